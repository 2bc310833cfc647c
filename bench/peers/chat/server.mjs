// Chat as Socket.IO's own parts give it: rooms, the Redis streams adapter, connection state recovery. A message is stored
// before it is emitted. Clients say in their auth payload who they are and which rooms they are in: no identity is checked.
// Reads `DATABASE_URL`, `REDIS_URL` and `PORT`; the table `peer_messages` must exist.

import { createAdapter } from "@socket.io/redis-streams-adapter";
import mysql from "mysql2/promise";
import { createClient } from "redis";
import { Server } from "socket.io";

const pool = mysql.createPool({ uri: process.env.DATABASE_URL, connectionLimit: 32 });
const redis = createClient({ url: process.env.REDIS_URL });
redis.on("error", () => {});
await redis.connect();

const io = new Server({
  transports: ["websocket"],
  serveClient: false,
  maxHttpBufferSize: 64 * 1024,
  connectionStateRecovery: { maxDisconnectionDuration: 120_000, skipMiddlewares: true },
  adapter: createAdapter(redis, { onlyPlaintext: true }),
});

io.on("connection", (socket) => {
  const { user, rooms } = socket.handshake.auth;
  if (!socket.recovered) socket.join(rooms);
  socket.on("chat", async ({ room, text }, ack) => {
    try {
      const insert = "INSERT INTO peer_messages (room, sender, body) VALUES (?, ?, ?)";
      const [stored] = await pool.execute(insert, [room, user, text]);
      io.to(room).emit("chat", { id: stored.insertId, room, sender: user, text });
      ack({ id: stored.insertId });
    } catch (error) {
      ack({ code: "unavailable", message: String(error) });
    }
  });
});

io.listen(Number(process.env.PORT));
