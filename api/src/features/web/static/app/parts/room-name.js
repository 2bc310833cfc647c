// @ts-check
// What a room is called and looks like for the person in it.

/** @typedef {import("../app.js").App} App */
/** @typedef {import("../../../client/chat.js").Room} Room */

/** @param {App} app @param {Room} room */
export function roomName(app, { kind, name, peer }) {
  return kind === "group" ? (name ?? app.say("group")) : (peer?.nickname ?? app.say("someone-gone"));
}

/** As a person, for the round picture. @param {App} app @param {Room} room */
export function roomFace(app, room) {
  return { nickname: roomName(app, room), picture: room.kind === "group" ? room.picture : (room.peer?.picture ?? null) };
}

/** The newest message in one line. @param {App} app @param {Room["preview"]} preview */
export function previewText(app, preview) {
  if (!preview) return app.say("no-messages");
  if (preview.kind === "image") return app.say("picture");
  if (preview.kind === "deleted") return app.say("message-gone");
  return preview.text ?? "";
}
