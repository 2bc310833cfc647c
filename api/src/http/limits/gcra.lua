-- The generic cell rate algorithm, as gcra.rs has it, by this server's clock, so that all replicas count together.
-- KEYS[1]  the theoretical arrival time (TAT) of one user of one policy: when all that was used is free again
-- ARGV     µs that a unit takes to come back, the policy's window in µs, the units that are asked for
-- Answers  how long to wait (0: granted), and for how long what is used stays used, both in µs
local interval, window, units = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local arrival = math.max(tonumber(redis.call('GET', KEYS[1]) or now), now)
local after = arrival + interval * units
if after - now > window then
    return { after - now - window, arrival - now }
end
redis.call('SET', KEYS[1], string.format('%.0f', after), 'PX', math.ceil((after - now) / 1000) + 1)
return { 0, after - now }
