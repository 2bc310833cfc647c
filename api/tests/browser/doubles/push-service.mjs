// A Web Push service (RFC 8030) together with the browser behind it: it checks who sends (RFC 8292), and decrypts what
// it is sent (RFC 8291) with a library that is not ours.
//
//   POST /subscriptions {applicationServerKey}   what `pushManager.subscribe` gives: {endpoint, keys}
//   POST /script/{id} [{status, headers?}, …]    answers the next pushes of a subscription so
//   GET  /attempts/{id}                          every push of it, in order, with what it was answered

import crypto from "node:crypto";
import ece from "http_ece";
import { readJwt, Refusal, serve } from "./server.mjs";

const DAY = 24 * 60 * 60;
/** What every push service takes (RFC 8030 §7.2 leaves more to it). */
const BODY_LIMIT = 4096;

/** @type {Map<string, { key: string, ecdh: crypto.ECDH, secret: Buffer, script: any[], attempts: any[] }>} */
const subscriptions = new Map();

const origin = await serve((call) => {
  const [what, id] = call.path;
  if (what === "subscriptions") return subscribe(JSON.parse(call.body.toString()));
  const subscription = subscriptions.get(id);
  if (!subscription) throw new Refusal(404, { reason: "no such subscription" });
  if (what === "attempts") return [200, subscription.attempts];
  if (what === "script") {
    subscription.script.push(...JSON.parse(call.body.toString()));
    return [200, {}];
  }
  const attempt = { at: call.at, headers: call.headers };
  subscription.attempts.push(attempt);
  try {
    const [status, body, headers] = push(call, subscription, attempt);
    return Object.assign(attempt, { status }) && [status, body, headers];
  } catch (error) {
    Object.assign(attempt, { status: error.status ?? 500, refused: String(error.message) });
    throw error;
  }
});

function subscribe({ applicationServerKey }) {
  const point = Buffer.from(applicationServerKey, "base64url");
  if (point.length !== 65 || point[0] !== 4) throw new Refusal(400, { reason: "no uncompressed P-256 point" });
  const ecdh = crypto.createECDH("prime256v1");
  ecdh.generateKeys();
  const secret = crypto.randomBytes(16);
  const id = crypto.randomUUID();
  subscriptions.set(id, { key: applicationServerKey, ecdh, secret, script: [], attempts: [] });
  const keys = { p256dh: ecdh.getPublicKey("base64url"), auth: secret.toString("base64url") };
  return [201, { id, endpoint: `${origin}/push/${id}`, keys }];
}

function push({ method, headers, body }, subscription, attempt) {
  if (method !== "POST") throw new Refusal(405, {});
  authorise(headers.authorization ?? "", subscription.key);
  if (!/^\d+$/.test(headers.ttl ?? "")) throw new Refusal(400, { reason: "TTL" });
  if (!/^(very-low|low|normal|high)$/.test(headers.urgency ?? "normal")) throw new Refusal(400, { reason: "Urgency" });
  if (!/^[\w-]{1,32}$/.test(headers.topic ?? "x")) throw new Refusal(400, { reason: "Topic" });
  if (headers["content-encoding"] !== "aes128gcm") throw new Refusal(415, { reason: "Content-Encoding" });
  if (body.length > BODY_LIMIT) throw new Refusal(413, {});
  const next = subscription.script.shift();
  if (next) throw new Refusal(next.status, { reason: "as the test wants it" }, next.headers);
  attempt.length = body.length;
  attempt.text = ece.decrypt(body, { version: "aes128gcm", privateKey: subscription.ecdh, authSecret: subscription.secret }).toString();
  return [201, undefined, { location: `${origin}/messages/${crypto.randomUUID()}` }];
}

/** @param {string} header @param {string} subscribedWith */
function authorise(header, subscribedWith) {
  const [, token, key] = /^vapid t=([\w.-]+), ?k=([\w-]+)$/.exec(header) ?? [];
  if (!token) throw new Refusal(401, { reason: "no VAPID" });
  if (key !== subscribedWith) throw new Refusal(403, { reason: "another key than it was subscribed with" });
  const point = Buffer.from(key, "base64url");
  const [x, y] = [point.subarray(1, 33), point.subarray(33)].map((part) => part.toString("base64url"));
  const publicKey = crypto.createPublicKey({ key: { kty: "EC", crv: "P-256", x, y }, format: "jwk" });
  let claims;
  try {
    ({ claims } = readJwt(token, ({ alg }, input, signature) => {
      return alg === "ES256" && crypto.verify("sha256", input, { key: publicKey, dsaEncoding: "ieee-p1363" }, signature);
    }));
  } catch (error) {
    throw new Refusal(403, { reason: String(error.message) });
  }
  const left = claims.exp - Date.now() / 1000;
  if (claims.aud !== origin) throw new Refusal(403, { reason: `aud ${claims.aud}` });
  if (!(left > 0 && left <= DAY)) throw new Refusal(403, { reason: `exp ${claims.exp}` });
  if (!/^(mailto|https):/.test(claims.sub ?? "")) throw new Refusal(403, { reason: `sub ${claims.sub}` });
}
