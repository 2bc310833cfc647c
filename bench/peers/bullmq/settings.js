// Settings of both processes: `REDIS_URL`, `DATABASE_URL`, `PORT`, and for the work `PHOTO_URL` and `ANALYZER_URL`.
import mysql from 'mysql2/promise';

export const QUEUE = 'overhead';

const redis = new URL(process.env.REDIS_URL);
// BullMQ asks for `null` where connections block.
export const connection = { host: redis.hostname, port: Number(redis.port), maxRetriesPerRequest: null };

export const openDatabase = () => mysql.createPool({ uri: process.env.DATABASE_URL, connectionLimit: 16 });
