-- One replica's report. Reports that were not repeated in time are forgotten on the way; the clock is Redis's own.
--   KEYS: states by id, ids by expiry, the wish that this replica leaves
--   ARGV: id, state, how long it lasts in milliseconds
--   Returns: 1 if the replica is asked to drain.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('ZADD', KEYS[2], now + ARGV[3], ARGV[1])
-- One run in ten cleans up: listing leaves out what has expired anyway.
if now % 10 == 0 then
  for _, gone in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now - 1)) do
    redis.call('HDEL', KEYS[1], gone)
    redis.call('ZREM', KEYS[2], gone)
  end
  redis.call('PEXPIRE', KEYS[1], ARGV[3] * 30)
  redis.call('PEXPIRE', KEYS[2], ARGV[3] * 30)
end
return redis.call('GETDEL', KEYS[3]) and 1 or 0
