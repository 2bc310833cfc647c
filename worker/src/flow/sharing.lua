-- One exchange of a replica with the shared truth: what it gives back, what it uses, who waits. Freed leases go to the
-- job that has been in line longest, whichever replica holds it. Times are Redis's own, in milliseconds.
--   KEYS: leases (by expiry), waiting (by when they came into line), seen (the same, by expiry), limit
--   ARGV: replica, limit, whether that is known, lease duration, grants' channel prefix, want channel,
--         then three lists, each with its length first: leases given back, leases in use, tickets waiting in their order
--   Returns: whether others wait, then the tickets of this replica that became leases.
local leases, waiting, seen, limit_key = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local replica, limit, known, duration = ARGV[1], tonumber(ARGV[2]), ARGV[3] == '1', tonumber(ARGV[4])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local at = 7
local function list()
  local items, length = {}, tonumber(ARGV[at])
  for i = 1, length do items[i] = ARGV[at + i] end
  at = at + length + 1
  return items
end
local returned, used, tickets = list(), list(), list()

if known then
  redis.call('SET', limit_key, limit, 'PX', 60000)
else
  limit = math.max(limit, tonumber(redis.call('GET', limit_key) or '0'))
end

redis.call('ZREMRANGEBYSCORE', leases, '-inf', now)
for _, gone in ipairs(redis.call('ZRANGEBYSCORE', seen, '-inf', now)) do
  redis.call('ZREM', waiting, gone)
  redis.call('ZREM', seen, gone)
end
for _, lease in ipairs(returned) do
  redis.call('ZREM', leases, lease)
  redis.call('ZREM', waiting, lease)
  redis.call('ZREM', seen, lease)
end
for _, lease in ipairs(used) do
  redis.call('ZADD', leases, now + duration, lease)
end

local granted, new = {}, false
for i, ticket in ipairs(tickets) do
  if redis.call('ZSCORE', leases, ticket) then
    granted[#granted + 1] = ticket -- the message that said so was lost
  else
    -- Microseconds keep the order of those that come together.
    local came = time[1] * 1000 + (time[2] + i) / 1000
    new = redis.call('ZADD', waiting, 'NX', came, ticket) == 1 or new
    redis.call('ZADD', seen, now + duration, ticket)
  end
end

local free = limit - redis.call('ZCARD', leases)
while free > 0 do
  local first = redis.call('ZRANGE', waiting, 0, 0)[1]
  if not first then break end
  redis.call('ZREM', waiting, first)
  redis.call('ZREM', seen, first)
  redis.call('ZADD', leases, now + duration, first)
  local owner = string.match(first, '^(.*)/')
  if owner == replica then
    granted[#granted + 1] = first
  else
    redis.call('PUBLISH', ARGV[5] .. owner, first)
  end
  free = free - 1
end

local still = {}
for _, ticket in ipairs(granted) do still[ticket] = true end
local mine = 0
for _, ticket in ipairs(tickets) do
  if not still[ticket] then mine = mine + 1 end
end
local others = redis.call('ZCARD', waiting) > mine
-- Replicas keep idle leases while nobody else waits: tell them that somebody does.
if new and mine > 0 then redis.call('PUBLISH', ARGV[6], replica) end
for _, key in ipairs({leases, waiting, seen}) do redis.call('PEXPIRE', key, duration * 6) end
return {others and 1 or 0, granted}
