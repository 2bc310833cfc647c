-- One exchange of a replica's state: usable instances, leases given back, leases in use, waiting jobs. A lease is valid
-- for one instance. Each free one goes to the job that has waited longest, among those whose replica can use that
-- instance. Times are Redis's own, in milliseconds.
--   KEYS: leases (ticket and instance, by expiry), waiting (tickets, by time of arrival), seen (the same, by
--         expiry), limit (the sum of all places), places (of each instance, with their expiry), offers (of each replica, until
--         when: the instances that it can use)
--   ARGV: replica, lease duration, grants' channel prefix, want channel, then four lists, each with its length first:
--         instances it can use (name, places, 1 if that is news), tickets given back, leases in use, tickets waiting in
--         their order
--   Returns: 1 if others wait, then the leases granted to tickets of this replica.
local leases, waiting, seen, limit_key, places_key, offers_key = unpack(KEYS)
local replica, duration = ARGV[1], tonumber(ARGV[2])
local SEARCHED = 256 -- most waiting tickets examined for one that can use a free lease
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local at = 5
local function list()
  local items, length = {}, tonumber(ARGV[at])
  for i = 1, length do items[i] = ARGV[at + i] end
  at = at + length + 1
  return items
end
local offered, returned, used, tickets = list(), list(), list(), list()

-- Entries of a hash that have not expired; deletes the others. Each value begins with its expiry.
local function fresh(key)
  local all, found = redis.call('HGETALL', key), {}
  for i = 1, #all, 2 do
    local till, value = string.match(all[i + 1], '^(%d+) (.*)$')
    if tonumber(till) > now then found[all[i]] = value else redis.call('HDEL', key, all[i]) end
  end
  return found
end
local function hold(key, field, value)
  redis.call('HSET', key, field, string.format('%d %s', now + duration, value))
end

local places = fresh(places_key)
-- Offers are read one by one, as they are needed: their number grows with the replicas. Expired ones are deleted by one
-- run in many.
if now % 100 == 0 then fresh(offers_key) end
local offers = {}
local function offers_of(owner)
  if not offers[owner] then
    local till, value = string.match(redis.call('HGET', offers_key, owner) or '', '^(%d+) (.*)$')
    offers[owner] = till and tonumber(till) > now and value or ''
  end
  return offers[owner]
end
local names = {}
for i = 1, #offered, 3 do
  local name = offered[i]
  if offered[i + 2] == '1' or not places[name] then places[name] = offered[i + 1] end
  hold(places_key, name, places[name])
  names[#names + 1] = name
end
offers[replica] = table.concat(names, ' ')
hold(offers_key, replica, offers[replica])
local limit = 0
for _, number in pairs(places) do limit = limit + tonumber(number) end
if limit > 0 then redis.call('SET', limit_key, limit, 'PX', duration * 6) end

redis.call('ZREMRANGEBYSCORE', leases, '-inf', now)
for _, gone in ipairs(redis.call('ZRANGEBYSCORE', seen, '-inf', now)) do
  redis.call('ZREM', waiting, gone)
  redis.call('ZREM', seen, gone)
end
local held, taken = {}, {}
local function take(lease)
  local ticket, name = string.match(lease, '^(%S+) (.*)$')
  if not held[ticket] then taken[name] = (taken[name] or 0) + 1 end
  held[ticket] = lease
end
local back = {}
for _, ticket in ipairs(returned) do
  back[ticket] = true
  redis.call('ZREM', waiting, ticket)
  redis.call('ZREM', seen, ticket)
end
for _, lease in ipairs(redis.call('ZRANGE', leases, 0, -1)) do
  if back[string.match(lease, '^%S+')] then redis.call('ZREM', leases, lease) else take(lease) end
end
for _, lease in ipairs(used) do
  redis.call('ZADD', leases, now + duration, lease)
  take(lease)
end

-- Replicas in line before this exchange: none, one, or more.
local first = string.match(redis.call('ZRANGE', waiting, 0, 0)[1] or '', '^(.*)/')
local last = string.match(redis.call('ZRANGE', waiting, -1, -1)[1] or '', '^(.*)/')

local granted, mine, new = {}, 0, false
for i, ticket in ipairs(tickets) do
  if held[ticket] then
    granted[#granted + 1] = held[ticket] -- the message that announced it was lost
  else
    -- Microseconds keep the order of tickets that arrive together.
    local came = time[1] * 1000 + (time[2] + i) / 1000
    new = redis.call('ZADD', waiting, 'NX', came, ticket) == 1 or new
    redis.call('ZADD', seen, now + duration, ticket)
    mine = mine + 1
  end
end

local free = 0
for name, number in pairs(places) do free = free + math.max(number - (taken[name] or 0), 0) end
for _, ticket in ipairs(redis.call('ZRANGE', waiting, 0, SEARCHED - 1)) do
  if free == 0 then break end
  local owner = string.match(ticket, '^(.*)/')
  local best, most = nil, 0
  for name in string.gmatch(offers_of(owner), '%S+') do
    local room = (places[name] or 0) - (taken[name] or 0)
    if room > most then best, most = name, room end
  end
  if best then
    local lease = ticket .. ' ' .. best
    redis.call('ZREM', waiting, ticket)
    redis.call('ZREM', seen, ticket)
    redis.call('ZADD', leases, now + duration, lease)
    take(lease)
    free = free - 1
    if owner == replica then
      granted[#granted + 1] = lease
      mine = mine - 1
    else
      redis.call('PUBLISH', ARGV[3] .. owner, lease)
    end
  end
end

local others = redis.call('ZCARD', waiting) > mine
-- Replicas keep idle leases while no other replica waits: tell them that one does. Who has been told keeps it in mind
-- while anybody is in line, except a replica that was there alone.
if new and mine > 0 and (first == replica or last == replica or first == last) then
  redis.call('PUBLISH', ARGV[4], replica)
end
for _, key in ipairs({leases, waiting, seen, places_key, offers_key}) do
  redis.call('PEXPIRE', key, duration * 6)
end
return {others and 1 or 0, granted}
