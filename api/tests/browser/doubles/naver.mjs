// Naver's sign-in: plain OAuth 2.0. Refusals come with status 200, numbers as text, and the profile under `response`.

import { randomBytes } from "node:crypto";
import { Refusal, serve } from "./server.mjs";

const [redirectUri, clientId, clientSecret] = process.argv.slice(2);
/** @type {Map<string, string>} */
const codes = new Map();
const tokens = new Set();

await serve(({ path, query, headers, body }) => {
  const form = new URLSearchParams(body.toString());
  switch (path.join("/")) {
    case "oauth2.0/authorize": {
      const expected = { response_type: "code", client_id: clientId, redirect_uri: redirectUri };
      for (const [name, value] of Object.entries(expected)) {
        if (query.get(name) !== value) throw new Refusal(400, { error: `invalid ${name}` });
      }
      const [code, state] = [randomBytes(8).toString("hex"), query.get("state") ?? ""];
      codes.set(code, state);
      return [200, { code, state }];
    }
    case "oauth2.0/token": {
      const state = codes.get(form.get("code") ?? "");
      codes.delete(form.get("code") ?? "");
      const isClient = form.get("client_id") === clientId && form.get("client_secret") === clientSecret;
      const refused = (/** @type {string} */ error) => [200, { error, error_description: "no" }];
      if (form.get("grant_type") !== "authorization_code" || !isClient) return refused("invalid_client");
      if (state === undefined || state !== form.get("state")) return refused("invalid_request");
      const access_token = randomBytes(16).toString("hex");
      tokens.add(access_token);
      return [200, { access_token, refresh_token: "r", token_type: "bearer", expires_in: "3600" }];
    }
    case "v1/nid/me": {
      if (!tokens.has((headers.authorization ?? "").replace("Bearer ", ""))) {
        return [401, { resultcode: "024", message: "Authentication failed" }];
      }
      return [200, { resultcode: "00", message: "success", response: { id: "naver-1", nickname: "봄날의산책" } }];
    }
    default:
      throw new Refusal(404, {});
  }
});
