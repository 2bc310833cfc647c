// Conversations on the page, with two browsers: messages as they come, pictures, who has read them, Korean as it is typed.

import assert from "node:assert/strict";
import { test } from "node:test";
import { assertAccessible, compose, FACE, TEST, visit } from "./visitors.mjs";

/** Two people with a room open. */
async function meet() {
  const jiwoo = await visit({ context: { locale: "ko-KR" }, faults: /status of 429/ });
  const theo = await visit({ faults: /status of 429/ });
  await theo.open(`/people/${jiwoo.id}`);
  await theo.page.getByRole("button", { name: "Message" }).click();
  await theo.page.getByLabel("Write a message").waitFor();
  const room = await theo.page.evaluate(() => location.hash.split("/").at(-1) ?? "");
  return { jiwoo, theo, room };
}

test("messages, pictures, badges, the unread line and marks of reading", TEST, async () => {
  const { jiwoo, theo, room } = await meet();
  const write = theo.page.getByLabel("Write a message");
  await write.fill("Shall we meet on Saturday?");
  await write.press("Enter");
  const own = theo.page.locator(".message.mine", { hasText: "Shall we meet on Saturday?" });
  await own.locator(".unread-count", { hasText: "1" }).waitFor();
  assert.equal(await write.inputValue(), "");

  await jiwoo.page.getByRole("link", { name: "채팅, 읽지 않음 1개" }).click();
  await jiwoo.page.locator(".room", { hasText: "Shall we meet" }).click();
  await jiwoo.page.locator(".unread-line").waitFor();
  await jiwoo.page.locator(".message", { hasText: "Shall we meet on Saturday?" }).waitFor();
  // Read: the mark goes where it was written, and so does the badge.
  await own.locator(".unread-count").waitFor({ state: "detached" });
  await jiwoo.page.locator(".tab-chat .badge").waitFor({ state: "hidden" });
  await assertAccessible(jiwoo.page, "a room");

  const menuOf = (place) => place.getByRole("button", { name: "More actions" }).click();
  await menuOf(own);
  await theo.page.getByRole("button", { name: "Edit" }).click();
  await theo.page.getByRole("textbox", { name: "Edit the message" }).fill("Shall we meet on Sunday?");
  await theo.page.getByRole("button", { name: "Save" }).click();
  await jiwoo.page.locator(".message", { hasText: "Sunday?" }).getByText("수정됨").waitFor();
  await menuOf(theo.page.locator(".room-head"));
  await theo.page.getByRole("button", { name: "Search this chat" }).click();
  const search = theo.page.getByRole("dialog").getByRole("searchbox");
  await search.fill("sunday");
  await search.press("Enter");
  await theo.page.locator(".found-message", { hasText: "Sunday?" }).waitFor();
  await theo.page.keyboard.press("Escape");

  await jiwoo.page.setInputFiles(".message-form input[type=file]", FACE);
  await jiwoo.page.getByRole("button", { name: "보내기" }).click();
  await theo.page.locator(".message:not(.mine) .bubble-pictures img").waitFor();

  await jiwoo.page.getByLabel("메시지 쓰기").pressSequentially("moment");
  await theo.page.getByText("is writing").waitFor();
  await theo.open("/chat");
  await theo.page.locator(`.room[href="#/room/${room}"]`, { hasText: "Picture" }).waitFor();
  await assertAccessible(theo.page, "the rooms");
  await jiwoo.leave();
  await theo.leave();
});

test("Enter that ends a syllable sends nothing; the next one sends the whole", TEST, async () => {
  const { jiwoo, theo, room } = await meet();
  await jiwoo.open(`/room/${room}`);
  const write = jiwoo.page.getByLabel("메시지 쓰기");
  await write.focus();
  const keyboard = await jiwoo.context.newCDPSession(jiwoo.page);
  await compose(jiwoo.page, [["ㅇ", "아", "안"]]);
  for (const text of ["ㄴ", "녀", "녕"]) await keyboard.send("Input.imeSetComposition", { text, selectionStart: 1, selectionEnd: 1 });
  // As an input method sends it while it composes.
  await keyboard.send("Input.dispatchKeyEvent", { type: "rawKeyDown", key: "Enter", code: "Enter", windowsVirtualKeyCode: 229 });
  assert.equal(await write.inputValue(), "안녕");
  assert.equal(await jiwoo.page.locator(".message").count(), 0);
  await keyboard.send("Input.insertText", { text: "녕" });
  await write.press("Enter");
  await theo.page.locator(".message", { hasText: /^.*안녕/ }).waitFor();
  assert.equal(await theo.page.locator(".bubble").count(), 1, "once");
  assert.equal(await theo.page.locator(".bubble").textContent(), "안녕");
  await jiwoo.leave();
  await theo.leave();
});

test("a long history is read upwards, and what one reads stays where it is", TEST, async () => {
  const { jiwoo, theo, room } = await meet();
  for (let at = 0; at < 56; at += 1) {
    // Twenty of one person in ten seconds are admitted.
    const { call, page } = at % 2 ? jiwoo : theo;
    const send = () => call("POST", `/v1/rooms/${room}/messages`, { text: `line ${at}`, clientKey: `k${at}` }).catch(() => null);
    while (!(await send())) await page.waitForTimeout(1000);
  }
  await jiwoo.open(`/room/${room}`);
  await jiwoo.page.locator(".message").first().waitFor();
  const scroller = jiwoo.page.locator(".room-scroller");
  while (!(await jiwoo.page.locator(".bubble", { hasText: /^line 0$/ }).count())) {
    await scroller.evaluate((element) => (element.scrollTop = 100));
    await jiwoo.page.waitForTimeout(100);
  }
  const texts = await jiwoo.page.locator(".bubble").allTextContents();
  assert.deepEqual(texts, Array.from({ length: 56 }, (_, at) => `line ${at}`));
  await jiwoo.leave();
  await theo.leave();
});

test("what came while the line was down is there when it is back", TEST, async () => {
  const { jiwoo, theo, room } = await meet();
  await jiwoo.open(`/room/${room}`);
  await jiwoo.page.getByLabel("메시지 쓰기").waitFor();
  await jiwoo.context.setOffline(true);
  for (const text of ["one", "two", "three"]) await theo.call("POST", `/v1/rooms/${room}/messages`, { text, clientKey: text });
  await jiwoo.context.setOffline(false);
  await jiwoo.page.locator(".message", { hasText: "three" }).waitFor();
  assert.deepEqual(await jiwoo.page.locator(".bubble").allTextContents(), ["one", "two", "three"]);
  await jiwoo.context.close();
  await theo.leave();
});
