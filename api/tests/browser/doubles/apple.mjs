// Sign in with Apple, as far as a server sees it: checks what Apple checks, and answers with Apple's peculiarities.

import { generateKeyPairSync, randomBytes, sign, verify } from "node:crypto";
import { Refusal, readJwt, serve } from "./server.mjs";

const HALF_A_YEAR_S = 15_777_000;
const [redirectUri, clientId] = process.argv.slice(2);
const ours = generateKeyPairSync("rsa", { modulusLength: 2048 });
const theirs = generateKeyPairSync("ec", { namedCurve: "P-256" });
/** @type {Map<string, any>} */
const codes = new Map();
const known = new Set();

const encode = (/** @type {unknown} */ value) => Buffer.from(JSON.stringify(value)).toString("base64url");

function idToken(claims) {
  const input = `${encode({ alg: "RS256", kid: "apple" })}.${encode(claims)}`;
  return `${input}.${sign("RSA-SHA256", Buffer.from(input), ours.privateKey).toString("base64url")}`;
}

function claimsOf(sub, more) {
  const now = Math.floor(Date.now() / 1000);
  // Apple writes booleans as text.
  const texts = { email: "x@privaterelay.appleid.com", email_verified: "true", is_private_email: "true" };
  return { iss: origin, aud: clientId, iat: now, exp: now + 600, sub, nonce_supported: true, ...texts, ...more };
}

const bad = (error) => new Refusal(400, { error });

function authorize(query) {
  const expected = { response_type: "code", client_id: clientId, redirect_uri: redirectUri };
  for (const [name, value] of Object.entries(expected)) if (query.get(name) !== value) throw bad(`invalid ${name}`);
  const scopes = (query.get("scope") ?? "").split(" ");
  // Asked for a name, Apple insists on posting.
  if (scopes.includes("name") && query.get("response_mode") !== "form_post") throw bad("invalid response_mode");
  const [code, sub] = [randomBytes(16).toString("hex"), query.get("test_subject") ?? "001.apple"];
  codes.set(code, { sub, nonce: query.get("nonce") });
  const user = known.has(sub) ? {} : { user: JSON.stringify({ name: { firstName: "Mina", lastName: "Kim" } }) };
  known.add(sub);
  return [200, { code, state: query.get("state"), ...user }];
}

/** @type {Map<string, string>} */
const grants = new Map();

/** Checks the client's own secret, which it signs for each request. @param {URLSearchParams} form */
function checkClient(form) {
  const { header, claims } = readJwt(form.get("client_secret") ?? "", (head, input, signature) => {
    return head.alg === "ES256" && verify("SHA256", input, { key: theirs.publicKey, dsaEncoding: "ieee-p1363" }, signature);
  });
  const lifetime = claims.exp - claims.iat;
  const isClient = claims.iss === "TEAM" && claims.sub === clientId && claims.aud === origin && header.kid === "KEY";
  if (!isClient || lifetime > HALF_A_YEAR_S || form.get("client_id") !== clientId) throw bad("invalid_client");
}

function token(body) {
  const form = new URLSearchParams(body.toString());
  checkClient(form);
  const granted = codes.get(form.get("code") ?? "");
  codes.delete(form.get("code") ?? "");
  if (!granted || form.get("redirect_uri") !== redirectUri) throw bad("invalid_grant");
  const { sub, nonce } = granted;
  const id_token = idToken(claimsOf(sub, { nonce }));
  const refresh_token = `r.${randomBytes(16).toString("hex")}`;
  grants.set(refresh_token, sub);
  return [200, { access_token: "a", token_type: "Bearer", expires_in: 3600, refresh_token, id_token }];
}

/** The person's consent ends, whichever of the tokens is shown. */
function revoke(body) {
  const form = new URLSearchParams(body.toString());
  checkClient(form);
  if (form.get("token_type_hint") !== "refresh_token") throw bad("invalid_request");
  const sub = grants.get(form.get("token") ?? "");
  for (const [token, of] of grants) if (of === sub) grants.delete(token);
  if (sub) known.delete(sub);
  return [200, {}];
}

const origin = await serve(({ path, query, body }) => {
  switch (path.join("/")) {
    case ".well-known/openid-configuration":
      return [
        200,
        {
          issuer: origin,
          authorization_endpoint: `${origin}/auth/authorize`,
          token_endpoint: `${origin}/auth/token`,
          jwks_uri: `${origin}/auth/keys`,
          response_types_supported: ["code"],
          response_modes_supported: ["query", "fragment", "form_post"],
          subject_types_supported: ["pairwise"],
          id_token_signing_alg_values_supported: ["RS256"],
          scopes_supported: ["openid", "email", "name"],
          token_endpoint_auth_methods_supported: ["client_secret_post"],
          claims_supported: ["aud", "email", "email_verified", "exp", "iat", "iss", "sub"],
        },
      ];
    case "auth/keys":
      return [200, { keys: [{ ...ours.publicKey.export({ format: "jwk" }), kid: "apple", alg: "RS256", use: "sig" }] }];
    case "auth/authorize":
      return authorize(query);
    case "auth/token":
      return token(body);
    case "auth/revoke":
      return revoke(body);
    case "consents":
      return [200, { subjects: [...new Set(grants.values())] }];
    case "private-key":
      return [200, { pem: theirs.privateKey.export({ type: "pkcs8", format: "pem" }) }];
    case "native":
      // What an app gets from the system.
      return [200, { token: idToken(claimsOf(query.get("sub"), { aud: query.get("aud"), nonce: query.get("nonce") ?? undefined })) }];
    default:
      throw new Refusal(404, {});
  }
});
