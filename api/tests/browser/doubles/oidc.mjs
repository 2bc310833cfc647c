// A certified OpenID Connect provider (npm oidc-provider), with its own pages, keys and signatures. Beside it, `/forge` signs
// what a test asks for, `/tamper` changes the next ID token that the provider issues, `/rotate` publishes another key.

import { createHmac, generateKeyPairSync, sign } from "node:crypto";
import { createServer } from "node:http";

// The provider's warnings about its development settings; the first line of the output is the issuer.
console.info = console.warn = () => {};
const { default: Provider } = await import("oidc-provider");

/** @param {string} kid */
const rsa = (kid) => ({ kid, alg: "RS256", pair: generateKeyPairSync("rsa", { modulusLength: 2048 }) });
const keys = {
  provider: rsa("first"),
  ec: { kid: "curve", alg: "ES256", pair: generateKeyPairSync("ec", { namedCurve: "P-256" }) },
  rotated: rsa("second"),
  // Nobody publishes it, whatever name it goes by.
  stranger: rsa("first"),
};
/** @typedef {keyof typeof keys} KeyName */

const encode = (/** @type {unknown} */ value) => Buffer.from(JSON.stringify(value)).toString("base64url");

/**
 * @param {{ claims: object, header?: object, key?: KeyName | "none" | "hmac" | "secret" }} wanted
 */
function forge({ claims, header = {}, key = "provider" }) {
  const plain = { none: { alg: "none" }, hmac: { alg: "HS256", kid: "first" }, secret: { alg: "HS256" } };
  const head = key in plain ? plain[key] : { alg: keys[key].alg, kid: keys[key].kid };
  const input = `${encode({ ...head, ...header })}.${encode(claims)}`;
  if (key === "none") return `${input}.`;
  if (key === "hmac" || key === "secret") {
    const pem = keys.provider.pair.publicKey.export({ type: "spki", format: "pem" });
    const secret = key === "hmac" ? pem : "a client secret that only the tests know";
    return `${input}.${createHmac("sha256", secret).update(input).digest("base64url")}`;
  }
  const { alg, pair } = keys[key];
  const hash = alg === "RS256" ? "RSA-SHA256" : "SHA256";
  const signature = sign(hash, Buffer.from(input), { key: pair.privateKey, dsaEncoding: "ieee-p1363" });
  return `${input}.${signature.toString("base64url")}`;
}

const jwk = ({ kid, alg, pair }, half = "privateKey") => ({ ...pair[half].export({ format: "jwk" }), kid, alg, use: "sig" });

const server = createServer();
await new Promise((listening) => server.listen(0, "127.0.0.1", () => listening(undefined)));
const issuer = `http://127.0.0.1:${server.address().port}`;
const [redirectOrigin] = process.argv.slice(2);
const client = (client_id, provider, more = {}) => ({
  client_id,
  client_secret: "a client secret that only the tests know",
  redirect_uris: [`${redirectOrigin}/v1/sign-in/${provider}/callback`],
  ...more,
});
const provider = new Provider(issuer, {
  clients: [client("web", "acme"), client("poster", "poster", { token_endpoint_auth_method: "client_secret_post" })],
  jwks: { keys: [jwk(keys.provider), jwk(keys.ec)] },
  cookies: { keys: ["a key that only this process knows"] },
  claims: { openid: ["sub"], profile: ["name"] },
  conformIdTokenClaims: false,
  pkce: { required: () => true },
  findAccount: (_, sub) => ({ accountId: sub, claims: () => ({ sub, name: `Mina ${sub}` }) }),
});

let tampering;
let rotated = false;
let fetches = 0;

provider.use(async (context, next) => {
  const asked = ["/forge", "/tamper", "/rotate", "/fetches"].includes(context.path);
  if (!asked) {
    await next();
    if (context.path === "/jwks") {
      fetches += 1;
      if (rotated) context.body = { keys: [...context.body.keys, jwk(keys.rotated, "publicKey")] };
    }
    if (context.path === "/token" && tampering && context.body.id_token) {
      const claims = JSON.parse(Buffer.from(context.body.id_token.split(".")[1], "base64url").toString());
      Object.assign(claims, tampering.claims);
      for (const name of tampering.without ?? []) delete claims[name];
      context.body = { ...context.body, id_token: forge({ ...tampering, claims }) };
      tampering = undefined;
    }
    return;
  }
  const chunks = [];
  for await (const chunk of context.req) chunks.push(chunk);
  const wanted = chunks.length > 0 ? JSON.parse(Buffer.concat(chunks).toString()) : {};
  if (context.path === "/forge") context.body = { token: forge(wanted) };
  if (context.path === "/tamper") context.body = { tampering: (tampering = wanted) };
  if (context.path === "/rotate") context.body = { rotated: (rotated = true) };
  if (context.path === "/fetches") context.body = { fetches };
});
server.on("request", provider.callback());
process.stdin.resume().on("end", () => process.exit());
console.log(issuer);
