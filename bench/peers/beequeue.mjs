// SPDX-License-Identifier: AGPL-3.0-only
// bee-queue, set up for speed as its README advises. beequeue.mjs FOLDER PORT.
import { createRequire } from "node:module";
import { countdown, measured, serve } from "./peer.mjs";

const [folder, port] = process.argv.slice(2);
const Queue = createRequire(`${folder}/`)("bee-queue");
const settings = {
  redis: { host: "127.0.0.1", port: Number(port) },
  removeOnSuccess: true, getEvents: false, sendEvents: false, storeJobs: false,
};

/** Jobs that are there already. */
async function runLeaf({ count, concurrency }) {
  const producer = new Queue("jobs", { ...settings, isWorker: false });
  await producer.ready();
  for (let at = 0; at < count; at += 2000) {
    const length = Math.min(2000, count - at);
    await producer.saveAll(Array.from({ length }, (_, n) => producer.createJob({ n })));
  }
  await producer.close();
  const queue = new Queue("jobs", settings);
  await queue.ready();
  const { promise, tick } = countdown(count);
  queue.on("succeeded", tick);
  const result = await measured(count, () => (queue.process(concurrency, async () => 1), promise));
  await queue.close(1000);
  return result;
}

await serve({ leaf: runLeaf });
