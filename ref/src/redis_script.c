/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * redis_script.c - L6: what queues do in one atomic step, in Lua.
 */
#include "redis_script.h"

/* The time of the server, which is the only clock that counts. */
#define CLOCK                                                                  \
  "local t=redis.call('TIME') "                                                \
  "local now=t[1]*1000+math.floor(t[2]/1000) "

/* A number as text that has no exponent. */
#define WHOLE "local function whole(n) return string.format('%.0f',n) end "

/* [REDIS-40] in the server's seconds. */
#define LETTER                                                                 \
  "local function letter(key,at,m,why) "                                       \
  "redis.call('RPUSH',key,'d2:ati'..at..'e7:message'..#m..':'..m.."            \
  "'6:reason'..#why..':'..why..'e') end "

const char brrr__script_sync[] =
    CLOCK WHOLE "redis.call('ZADD',KEYS[3],whole(now),ARGV[1]) "
                "local out={} "
                "for i,m in ipairs(redis.call('LRANGE',KEYS[2],0,-1)) do "
                "out[2*i-1]=m "
                "out[2*i]=tonumber(redis.call('HGET',KEYS[4],m) or 0) end "
                "return out";

/* A time that lies ahead was written before the clock was set back: from now on
 * it ages like any other. Equal messages of one step count as delivered again
 * once, whoever held them: it is not as if one had killed worker after worker.
 * An empty list stays registered until no pop of its worker can be waiting any
 * more [REDIS-36]. */
const char brrr__script_beat[] =
    CLOCK WHOLE LETTER "redis.call('ZADD',KEYS[3],whole(now),ARGV[1]) "
                       "local out={redis.call('LLEN',KEYS[2])} "
                       "local left=tonumber(ARGV[6]) "
                       "if left==0 then return out end "
                       "for _,id in ipairs(redis.call('ZRANGEBYSCORE',KEYS[3],"
                       "'('..whole(now+ARGV[2]),'+inf')) do "
                       "redis.call('ZADD',KEYS[3],whole(now),id) end "
                       "local dead=redis.call('ZRANGEBYSCORE',KEYS[3],'-inf',"
                       "'('..whole(now-ARGV[2]),'WITHSCORES') "
                       "local again={} "
                       "for i=1,#dead,2 do "
                       "local list=ARGV[4]..dead[i] "
                       "while left>0 do "
                       "local m=redis.call('LPOP',list) "
                       "if not m then break end "
                       "left=left-1 "
                       "again[m]=again[m] or redis.call('HINCRBY',KEYS[4],m,1) "
                       "if again[m]>tonumber(ARGV[3]) then " /* [REDIS-38] */
                       "letter(KEYS[5],t[1],m,ARGV[5]) "
                       "redis.call('HDEL',KEYS[4],m) "
                       "else "
                       "redis.call('RPUSH',KEYS[2],m) "
                       "out[#out+1]=m out[#out+1]=again[m] end end "
                       "if tonumber(dead[i+1])<now-ARGV[2]-20000 "
                       "and redis.call('EXISTS',list)==0 then "
                       "redis.call('ZREM',KEYS[3],dead[i]) end end "
                       "return out";

const char brrr__script_take[] =
    "local out={} "
    "for i=1,tonumber(ARGV[1]) do "
    "local m=redis.call('LMOVE',KEYS[1],KEYS[2],'LEFT','RIGHT') "
    "if not m then break end "
    "out[i]=m end "
    "return out";

const char brrr__script_ack[] = "redis.call('HDEL',KEYS[4],ARGV[1]) "
                                "return redis.call('LREM',KEYS[2],1,ARGV[1])";

const char brrr__script_dead[] =
    LETTER "if redis.call('LREM',KEYS[2],1,ARGV[1])==0 then return 0 end "
           "letter(KEYS[5],redis.call('TIME')[1],ARGV[1],ARGV[2]) "
           "redis.call('HDEL',KEYS[4],ARGV[1]) "
           "return 1";

const char brrr__script_leave[] =
    "if redis.call('EXISTS',KEYS[2])==1 then return 0 end "
    "return redis.call('ZREM',KEYS[3],ARGV[1])";

const char brrr__script_letter[] =
    LETTER "letter(KEYS[1],redis.call('TIME')[1],ARGV[1],ARGV[2]) return 1";

/* Nothing may fail once the message is taken. */
const char brrr__script_ahead[] =
    "local m=redis.call('LPOP',KEYS[1]) "
    "if not m then return false end "
    "local n,at=string.match(m,'^li2e(%d+):()') "
    "local h=n and string.match(m,'^%d+:(.*)e$',at+n) "
    "if not h then return {m} end "
    "local v=redis.pcall('EXISTS','value/'..h) "
    "local c=redis.pcall('GET','call/'..h) "
    "if type(v)~='number' or type(c)=='table' then return {m} end "
    "return {m,v,c}";
