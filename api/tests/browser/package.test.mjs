// The client as others install it: what is in the package, that it runs, and that TypeScript checks its callers.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

const CLIENT = fileURLToPath(new URL("../../../clients/js/", import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), "toneup-package-"));
const consumer = join(scratch, "consumer");
/** @type {string[]} */
let files = [];

/** @param {string} program @param {string[]} args @param {string} cwd */
function run(program, args, cwd) {
  try {
    return execFileSync(program, args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  } catch (error) {
    throw new Error(`${program} ${args.join(" ")}\n${error.stdout}${error.stderr}`);
  }
}

/** Compiles a caller's source. @param {string} name @param {string} source */
function check(name, source) {
  writeFileSync(join(consumer, name), source);
  const options = "--noEmit --strict --skipLibCheck false --target es2022 --module nodenext --lib es2022,dom,dom.iterable --pretty false";
  run(process.execPath, [join(CLIENT, "node_modules/typescript/bin/tsc"), ...options.split(" "), name], consumer);
}

before(() => {
  const [packed] = JSON.parse(run("npm", ["pack", "--json", "--silent", "--pack-destination", scratch], CLIENT));
  files = packed.files.map((/** @type {{ path: string }} */ { path }) => path).sort();
  const installed = join(consumer, "node_modules/toneup-client");
  mkdirSync(installed, { recursive: true });
  writeFileSync(join(consumer, "package.json"), '{"type":"module"}');
  run("tar", ["-xzf", join(scratch, packed.filename), "--strip-components=1", "-C", installed], scratch);
});

after(() => rmSync(scratch, { recursive: true, force: true }));

test("the package holds the sources, their declarations and what it says of itself, and nothing else", () => {
  const sources = readdirSync(join(CLIENT, "src"));
  assert.ok(sources.includes("index.js"));
  const expected = ["README.md", "package.json", ...sources.flatMap((name) => [`src/${name}`, `types/${name.replace(/\.js$/, ".d.ts")}`])];
  assert.deepEqual(files, expected.sort());
});

test("the installed package runs on this Node", () => {
  const script = `
    import { isFinished, ToneUp } from "toneup-client";
    const fetch = async (url) => Response.json(url.endsWith("/guest")
      ? { userId: "u", accessToken: "t", refreshToken: "r", expiresIn: 900 }
      : { id: "a", status: "succeeded", version: 2, createdAt: "2026-01-01T00:00:00Z" });
    const analysis = await new ToneUp({ baseUrl: "http://toneup.test/", fetch }).api.getAnalysis("a");
    console.log(isFinished(analysis));`;
  assert.equal(run(process.execPath, ["--input-type=module", "-e", script], consumer), "true\n");
});

test("TypeScript accepts what is right", () => {
  check(
    "right.ts",
    `import { ApiError, localTokenStore, ToneUp, type Analysis, type Connection, type FollowOptions, type Result, type TokenStore } from "toneup-client";
    const store: TokenStore = localTokenStore("key");
    const toneup = new ToneUp({ baseUrl: new URL("https://toneup.example/"), store });
    export async function all(photo: Blob, signal: AbortSignal): Promise<Result | null | undefined> {
      const deadline = new Date(Date.now() + 60_000);
      const analysis: Analysis = await toneup.analyze(photo, {
        deadline, signal, idempotencyKey: "order-17",
        onAnalysis: ({ status, queuePosition }) => console.log(status, queuePosition ?? 0),
        onProgress: (fraction) => console.log(fraction.toFixed(2)),
        onWait: ({ seconds, error }) => console.log(seconds, error.code),
      });
      await toneup.cancel(analysis.id, { signal }).catch((error: unknown) => {
        if (!(error instanceof ApiError) || error.code !== "already_finished") throw error;
      });
      const options: FollowOptions = {
        signal,
        onAnalysis: async ({ id }) => void (await toneup.watch(id, { onConnection: (connection: Connection) => console.log(connection) })),
        onPosition: (lastEventId) => console.log(lastEventId.length),
      };
      await toneup.follow(options);
      const { items, nextCursor } = await toneup.api.listAnalyses({ limit: 100 });
      console.log(nextCursor);
      return items[0]?.result;
    }`,
  );
});

test("TypeScript refuses what is wrong", () => {
  const wrong = {
    "an option that is not there": "toneup.submit(photo, { idempotencykey: 'k' })",
    "a deadline that is a number": "toneup.submit(photo, { deadline: 5 })",
    "a follow without an end": "toneup.follow({ onAnalysis: () => {} })",
    "a state that is not there": "toneup.watch('a').then(({ status }) => status === 'done')",
    "a path for a photo": "toneup.analyze('me.jpg')",
    "a member that is the client's own": "toneup.api.nothing()",
  };
  const head = 'import { ToneUp } from "toneup-client";\nexport const wrong = (toneup: ToneUp, photo: Blob) => [photo,\n';
  const lines = Object.values(wrong).map((call) => `${call},`);
  assert.throws(() => check("wrong.ts", `${head}${lines.join("\n")}\n];`), ({ message }) => {
    const refused = new Set([...message.matchAll(/^wrong\.ts\((\d+),/gm)].map(([, line]) => Number(line) - 3));
    const accepted = Object.keys(wrong).filter((_, at) => !refused.has(at));
    assert.deepEqual(accepted, [], message);
    return true;
  });
});
