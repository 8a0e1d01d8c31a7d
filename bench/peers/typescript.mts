// SPDX-License-Identifier: AGPL-3.0-only
// The TypeScript SDK of Brrr, on the Redis store of its adapter. typescript.mts PORT, with
// BRRR_TYPESCRIPT_SDK set.
import { brrr, backends, redis } from "../../adapters/typescript/sdk.mts";
import { RedisStore } from "../../adapters/typescript/stores.mts";
import { countdown, measured, serve } from "./peer.mjs";

const POLL_MS = 200; // a loop sees the end after this long, which nobody measures
const url = `redis://127.0.0.1:${process.argv[2]}`;
const pool = redis.createClientPool({ RESP: 3, url }, { cleanupDelay: 2 ** 31 - 1 });
const queue = new backends.Redis(pool);
await queue.connect();
const emit = (topic: string, message: string) => queue.push(topic, message);
const server = new brrr.Server(new RedisStore(pool), queue, { emit });

/** As many loops as concurrency asks for, until `done`. */
async function work(concurrency: number, handler: any, done: Promise<void>): Promise<void> {
  let ended = false;
  const pop = async () => ended ? brrr.BrrrShutdownSymbol : queue.pop("jobs", POLL_MS);
  const loops = Array.from({ length: concurrency }, () => server.loop("jobs", handler, pop));
  rest = Promise.all(loops);
  await done;
  ended = true;
}
let rest: Promise<unknown> = Promise.resolve(); // what the loops of the last run still do

/** Jobs that are there already. */
async function leaf({ count, concurrency }: any) {
  const payload = new TextEncoder().encode("1");
  const { promise, tick } = countdown(count);
  const handler = async () => (tick(), { payload });
  const result = await measured(count, () => work(concurrency, handler, promise));
  await rest;
  return result;
}

/** fib(n) for some roots at once, from the first schedule to the last value. */
async function fib({ n, roots, concurrency }: any) {
  const topic = "jobs";
  const open = new Set(Array.from({ length: roots }, (_, i) => i));
  const { promise, tick } = countdown(1);
  const task = async (app: any, root: number, k: number): Promise<number> => {
    if (k < 2) return k;
    const ask = (less: number) => app.call("fib", topic)(root, k - less);
    const [x, y] = await app.gather(ask(1), ask(2));
    if (k === n && open.delete(root) && !open.size) tick();
    return x + y;
  };
  const app = new brrr.AppWorker(new brrr.NaiveJsonCodec(), server, { fib: task });
  const result = await measured(roots, async () => {
    await Promise.all([...open].map((root) => app.schedule("fib", topic)(root, n)));
    await work(concurrency, app.handle, promise);
  });
  await rest;
  return result;
}

await serve({ leaf, fib });
