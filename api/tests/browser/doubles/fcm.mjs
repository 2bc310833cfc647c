// Google's token endpoint and FCM HTTP v1, as Google documents them.
//
//   GET  /service-account        the JSON key file of a service account
//   POST /script/{token} [{status, error?, headers?}, …]   answers the next messages to a device so
//   POST /script/oauth [{status?, expiresIn?}, …]          answers the next requests for access tokens so
//   POST /revoke                 no access token that was given out is good any more
//   GET  /attempts/{token}       every message to a device, in order, with what it was answered
//   GET  /grants                 how many access tokens were given out

import crypto from "node:crypto";
import { readJwt, Refusal, serve } from "./server.mjs";

const SCOPE = "https://www.googleapis.com/auth/firebase.messaging";
const GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const HOUR = 3600;
const PROJECT = "toneup-test";
const EMAIL = `push@${PROJECT}.iam.gserviceaccount.com`;
const KEY_ID = crypto.randomBytes(20).toString("hex");

const { privateKey, publicKey } = crypto.generateKeyPairSync("rsa", { modulusLength: 2048 });
/** Access tokens that are good. @type {Set<string>} */
const granted = new Set();
let grants = 0;
/** @type {Map<string, { script: any[], attempts: any[] }>} */
const devices = new Map();

const origin = await serve((call) => {
  const [what, name] = call.path;
  const json = () => JSON.parse(call.body.toString());
  if (what === "service-account") return [200, account()];
  if (what === "token") return grant(call);
  if (what === "grants") return [200, { grants }];
  if (what === "revoke") return [200, granted.clear() ?? {}];
  if (what === "attempts") return [200, device(name).attempts];
  if (what === "script") return [200, device(name).script.push(...json()) && {}];
  return send(call);
});

function device(token) {
  if (!devices.has(token)) devices.set(token, { script: [], attempts: [] });
  return /** @type {{ script: any[], attempts: any[] }} */ (devices.get(token));
}

function account() {
  return {
    type: "service_account",
    project_id: PROJECT,
    private_key_id: KEY_ID,
    private_key: privateKey.export({ type: "pkcs8", format: "pem" }),
    client_email: EMAIL,
    client_id: "1",
    auth_uri: "https://accounts.google.com/o/oauth2/auth",
    token_uri: `${origin}/token`,
  };
}

function grant({ method, headers, body }) {
  const refuse = (error, description) => new Refusal(400, { error, error_description: description });
  if (method !== "POST" || headers["content-type"] !== "application/x-www-form-urlencoded") throw refuse("invalid_request", "no form");
  const form = new URLSearchParams(body.toString());
  if (form.get("grant_type") !== GRANT) throw refuse("unsupported_grant_type", form.get("grant_type"));
  let header, claims;
  try {
    ({ header, claims } = readJwt(form.get("assertion") ?? "", ({ alg }, input, signature) => {
      return alg === "RS256" && crypto.verify("sha256", input, publicKey, signature);
    }));
  } catch (error) {
    throw refuse("invalid_grant", String(error.message));
  }
  const now = Date.now() / 1000;
  const expected = { iss: EMAIL, scope: SCOPE, aud: `${origin}/token` };
  for (const [claim, value] of Object.entries(expected)) {
    if (claims[claim] !== value) throw refuse("invalid_grant", `${claim}: ${claims[claim]}`);
  }
  if (header.kid !== KEY_ID || header.typ !== "JWT") throw refuse("invalid_grant", JSON.stringify(header));
  if (!(claims.iat <= now + 5 && claims.exp > now && claims.exp - claims.iat <= HOUR)) throw refuse("invalid_grant", "iat, exp");
  const next = device("oauth").script.shift() ?? {};
  if (next.status) throw new Refusal(next.status, { error: "temporarily_unavailable" });
  const token = `ya29.${crypto.randomBytes(32).toString("base64url")}`;
  granted.add(token);
  grants += 1;
  return [200, { access_token: token, expires_in: next.expiresIn ?? HOUR - 1, token_type: "Bearer" }];
}

/** An error as Google's APIs write it. */
function refusal(status, name, message, code, headers) {
  const details = code ? [{ "@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", errorCode: code }] : [];
  return new Refusal(status, { error: { code: status, message, status: name, details } }, headers);
}

const STATUS = { 400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND", 429: "RESOURCE_EXHAUSTED", 500: "INTERNAL", 503: "UNAVAILABLE" };

function send({ method, path, headers, body, at }) {
  const known = method === "POST" && path.join("/") === `v1/projects/${PROJECT}/messages:send`;
  if (!known) throw refusal(404, "NOT_FOUND", "Requested entity was not found.");
  const bearer = /^Bearer (.+)$/.exec(headers.authorization ?? "")?.[1] ?? "";
  if (!granted.has(bearer)) throw refusal(401, "UNAUTHENTICATED", "Request had invalid authentication credentials.");
  let request;
  try {
    request = JSON.parse(body.toString());
    check(request, REQUEST, "request");
  } catch (error) {
    throw refusal(400, "INVALID_ARGUMENT", String(error.message), "INVALID_ARGUMENT");
  }
  const { script, attempts } = device(request.message.token);
  const attempt = { at, message: request.message, status: 200 };
  attempts.push(attempt);
  const next = script.shift();
  if (next) {
    attempt.status = next.status;
    throw refusal(next.status, STATUS[next.status], "as the test wants it", next.error, next.headers);
  }
  return [200, { name: `projects/${PROJECT}/messages/0:${crypto.randomUUID()}` }];
}

// The parts of `projects.messages.send` that may be there, as the reference lists them. Google refuses unknown names.
const text = (value) => typeof value === "string";
const each = (rule) => (value, at) => {
  if (typeof value !== "object" || value === null) return false;
  for (const [name, member] of Object.entries(value)) if (!rule(member, `${at}.${name}`)) throw new Error(`${at}.${name}`);
  return true;
};
const shape = (rules, needed = []) => (value, at) => check(value, { rules, needed }, at) ?? true;
const reserved = /^(from|message_type|google\..*|gcm\..*)$/;
const REQUEST = {
  needed: ["message"],
  rules: {
    validate_only: (value) => typeof value === "boolean",
    message: shape(
      {
        token: text,
        notification: shape({ title: text, body: text, image: text }),
        data: (value, at) => each(text)(value, at) && !Object.keys(value).some((name) => reserved.test(name)),
        android: shape({
          collapse_key: text,
          priority: (value) => value === "NORMAL" || value === "HIGH",
          ttl: (value) => /^\d+(\.\d{1,9})?s$/.test(value),
          notification: shape({ title: text, body: text, icon: text, color: text, sound: text, tag: text, click_action: text, channel_id: text }),
        }),
        apns: shape({ headers: each(text), payload: (value) => typeof value?.aps === "object" }),
        fcm_options: shape({ analytics_label: text }),
      },
      ["token"],
    ),
  },
};

/** @param {any} value @param {{ rules: Record<string, (value: any, at: string) => boolean>, needed: string[] }} rules @param {string} at */
function check(value, { rules, needed }, at) {
  if (typeof value !== "object" || value === null) throw new Error(`${at}: no object`);
  for (const name of needed) if (!(name in value)) throw new Error(`${at}.${name} is missing`);
  for (const [name, member] of Object.entries(value)) {
    if (!rules[name]) throw new Error(`Invalid JSON payload received. Unknown name "${name}" at '${at}': Cannot find field.`);
    if (!rules[name](member, `${at}.${name}`)) throw new Error(`Invalid value at '${at}.${name}'`);
  }
}
