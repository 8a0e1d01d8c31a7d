// SPDX-License-Identifier: AGPL-3.0-only
// BullMQ, as its guide has it, but for jobs that are removed when they are done, since that is
// what it does fastest. bullmq.mjs FOLDER PORT, where FOLDER/node_modules has the package.
import { createRequire } from "node:module";
import { countdown, measured, serve } from "./peer.mjs";

const [folder, port] = process.argv.slice(2);
const { FlowProducer, Queue, WaitingChildrenError, Worker } = createRequire(`${folder}/`)("bullmq");
const connection = { host: "127.0.0.1", port: Number(port), maxRetriesPerRequest: null };
const opts = { removeOnComplete: true, removeOnFail: true };

const jobs = new Queue("jobs", { connection, defaultJobOptions: opts });
const flows = new FlowProducer({ connection });
const leaf = async () => 1;

/** In pieces: a pipeline of some thousand jobs at a time. */
async function addAll(count, add) {
  for (let at = 0; at < count; at += 2000) {
    await add(Array.from({ length: Math.min(2000, count - at) }, (_, i) => at + i));
  }
}

/** Workers that are ready to start, each for a queue and with a handler. */
async function workers(concurrency, handlers) {
  const all = Object.entries(handlers).map(
    ([name, handler]) => new Worker(name, handler, { connection, concurrency, autorun: false }),
  );
  await Promise.all(all.map((each) => each.waitUntilReady()));
  return all;
}

/** Jobs that are there already. With a parent each: a flow of two. */
async function runLeaf({ count, concurrency, parents }) {
  await jobs.waitUntilReady();
  const job = (n) => ({ name: "leaf", data: { n } });
  if (parents) {
    const flow = (n) => ({ ...job(n), queueName: "parents", opts, children: [child(n)] });
    await addAll(count, (some) => flows.addBulk(some.map(flow)));
  } else {
    await addAll(count, (some) => jobs.addBulk(some.map(job)));
  }
  const [worker] = await workers(concurrency, { jobs: leaf });
  const { promise, tick } = countdown(count);
  worker.on("completed", tick);
  const result = await measured(count, () => (worker.run(), promise));
  await worker.close();
  return result;
}

const child = (n) => ({ name: "leaf", queueName: "jobs", data: { n }, opts });

async function sum(job) {
  const values = Object.values(await job.getChildrenValues());
  return values.reduce((total, each) => total + each, 0);
}

/** Children that the root asks for when it runs, as BullMQ's guide shows it. */
async function spread(job, token) {
  if (!job.data.asked) {
    const parent = { id: job.id, queue: job.queueQualifiedName };
    const children = Array.from({ length: job.data.count }, (_, n) => child(n));
    await jobs.addBulk(children.map((each) => ({ ...each, opts: { ...opts, parent } })));
    await job.updateData({ ...job.data, asked: true });
  }
  if (await job.moveToWaitingChildren(token)) throw new WaitingChildrenError();
  return sum(job);
}

/** From the moment the root is added until it has its value. */
async function fan(count, concurrency, handler, add) {
  const [root, worker] = await workers(concurrency, { roots: handler, jobs: leaf });
  root.run();
  worker.run();
  let value;
  const { promise, tick } = countdown(1);
  root.on("completed", (_, result) => ((value = result), tick()));
  const result = await measured(1, async () => (await add(), promise));
  await Promise.all([root.close(), worker.close()]);
  if (value !== count) throw new Error(`${value} instead of ${count}`);
  return result;
}

const roots = new Queue("roots", { connection, defaultJobOptions: opts });

await serve({
  leaf: runLeaf,
  flow: ({ count, concurrency }) =>
    fan(count, concurrency, sum, () =>
      flows.add({
        name: "root", queueName: "roots", opts,
        children: Array.from({ length: count }, (_, n) => child(n)),
      })),
  spread: ({ count, concurrency }) =>
    fan(count, concurrency, spread, () => roots.add("root", { count })),
});
