// Guests, rooms and connections for the tests of Socket.IO.

import { io } from "socket.io-client";
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
export const io2 = require("socket.io-client-2");

/** The addresses: two replicas, and the second listener of the first. */
export const [first, second, alias] = process.env.TONEUP_URLS.split(",");

const SOON = 15_000;

/** Waits for a promise, with a timeout. */
export function soon(promise, what) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited in vain for ${what}`)), SOON);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

async function call(method, path, token, body) {
  const response = await fetch(first + path, {
    method,
    headers: { ...(token && { authorization: `Bearer ${token}` }), "content-type": "application/json" },
    body: body && JSON.stringify(body),
  });
  const text = await response.text();
  return { status: response.status, body: text ? JSON.parse(text) : null };
}

/** A new guest, with their number. */
export async function guest() {
  const session = (await call("POST", "/v1/sessions/guest", null, {})).body;
  const token = session.accessToken;
  const me = (await call("GET", "/v1/me", token)).body;
  const as = (method, path, body) => call(method, path, token, body);
  return { id: session.userId, number: me.number, token, session, as };
}

/** The direct room of two guests. */
export async function direct(one, other) {
  const room = (await one.as("POST", "/v1/rooms", { userId: other.id })).body;
  return { id: room.id, number: room.number, path: `/v1/rooms/${room.id}` };
}

const open = [];

/** A connection of the current client; the events that it gets are kept. */
export function connect(url, options) {
  return keep(io(url, { transports: ["websocket"], reconnection: false, forceNew: true, ...options }));
}

/** A connection of the client 2.x. */
export function connect2(url, options) {
  return keep(io2(url, { transports: ["websocket"], reconnection: false, forceNew: true, ...options }));
}

function keep(socket) {
  open.push(socket);
  socket.seen = [];
  socket.waiting = [];
  const note = (name, data) => {
    socket.seen.push({ name, data });
    for (const check of [...socket.waiting]) check();
  };
  if (socket.onAny) {
    socket.onAny((name, data) => note(name, data));
  } else {
    const names = ["chat", "entry", "joinRoom", "leaveRoom", "read", "delivered", "typing", "presence", "history", "error", "renew", "draining"];
    for (const name of names) socket.on(name, (data) => note(name, data));
  }
  for (const name of ["connect", "connect_error", "disconnect"]) {
    socket.on(name, (data) => note(name, data?.message ?? data));
  }
  return socket;
}

/** Waits until a connection has got an event that satisfies a condition; returns its data. */
export function got(socket, name, wanted = () => true) {
  const find = () => socket.seen.find((one) => one.name === name && wanted(one.data));
  const waiting = new Promise((resolve) => {
    const check = () => {
      const found = find();
      if (!found) return;
      socket.waiting = socket.waiting.filter((other) => other !== check);
      resolve(found.data);
    };
    socket.waiting.push(check);
    check();
  });
  const seen = () => JSON.stringify(socket.seen.map((one) => one.name));
  return soon(waiting, name).catch((error) => {
    throw new Error(`${error.message}; seen: ${seen()}`);
  });
}

/** All events of a name so far. */
export const all = (socket, name) => socket.seen.filter((one) => one.name === name).map((one) => one.data);

/** Sends an event and waits for its ack. */
export function ask(socket, event, data) {
  return soon(new Promise((resolve) => socket.emit(event, data, resolve)), `ack of ${event}`);
}

/** Connects and syncs: from then on all rooms are followed. */
export async function follow(url, person, rooms = {}) {
  const socket = connect(url, { auth: { token: person.token } });
  await got(socket, "connect");
  const synced = await ask(socket, "sync", { rooms });
  return { socket, synced };
}

/** Closes all connections. */
export function closeAll() {
  for (const socket of open.splice(0)) socket.close();
}
