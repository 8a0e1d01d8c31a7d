// SPDX-License-Identifier: AGPL-3.0-only
// What the peers in Node.js have in common: each is a process that stays, and so gets warm. It
// takes one run a line, as JSON, and answers with one line: jobs, seconds and CPU seconds.
import { createInterface } from "node:readline";

/** Answers each line {"do": NAME, ...} with what runs[NAME] measured. */
export async function serve(runs) {
  for await (const line of createInterface({ input: process.stdin })) {
    const { do: name, ...options } = JSON.parse(line);
    console.log(JSON.stringify(await runs[name](options)));
  }
  process.exit(0);
}

/** Runs `act`, and measures it. */
export async function measured(jobs, act) {
  const cpu = process.cpuUsage();
  const start = performance.now();
  await act();
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  return { jobs, seconds, cpu_seconds: (user + system) / 1e6 };
}

/** A promise, and what resolves it once it was called `count` times. */
export function countdown(count) {
  let resolve;
  const promise = new Promise((done) => (resolve = done));
  return { promise, tick: () => --count || resolve() };
}
