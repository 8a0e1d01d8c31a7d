// SPDX-License-Identifier: AGPL-3.0-only
// What Open makes and Close ends: the SDK's server on Redis, and its loops.
import { setTimeout } from "node:timers/promises";
import { failure, HandlerFailed } from "./failures.mts";
import { base64, type Json, octets, toCall } from "./records.mts";
import { backends, brrr, redis } from "./sdk.mts";
import { openDynamo, RedisStore } from "./stores.mts";
import { codec, tasks } from "./tasks.mts";

const NEVER = 2 ** 31 - 1; // the pool's clean-up throws when the pool is destroyed
const CLOSE_MS = 2000;

export class Session {
  private static invocations = 0;

  readonly server: any;
  readonly app: any;
  private readonly answers = new Map<number, (answer: Json) => void>();
  private readonly name = `brrr-adapter-${process.pid}`;
  private readonly pool: any;
  private readonly redis: any;
  private closing = false;

  constructor({ redis_url: url, dynamodb }: Json) {
    const options = { RESP: 3, url, name: this.name };
    this.pool = redis.createClientPool(options, { cleanupDelay: NEVER });
    this.pool.on("error", (error: Error) => console.error(`Redis: ${error.message}`));
    this.redis = new backends.Redis(this.pool);
    const emit = (topic: string, message: string) => this.redis.push(topic, message);
    const store = dynamodb ? openDynamo(dynamodb) : new RedisStore(this.pool);
    this.server = new brrr.Server(store, this.redis, { emit });
    this.app = new brrr.AppWorker(codec, this.server, tasks);
  }

  async open(): Promise<void> {
    await this.redis.connect();
  }

  answer(answer: Json): void {
    this.answers.get(answer.invocation)?.(answer);
    this.answers.delete(answer.invocation);
  }

  /** Runs a worker, whose handler asks the runner if it is given no other. */
  async serve(
    { topic, on_problem }: Json,
    tell: (reply: Json) => void,
    handle = this.askRunner(topic, tell),
  ): Promise<void> {
    const pop = async () => this.closing ? brrr.BrrrShutdownSymbol : this.redis.pop(topic);
    while (!this.closing) {
      try {
        await this.server.loop(topic, handle, pop);
      } catch (error) {
        if (this.closing) return;
        if (on_problem === "STOP") throw error;
        tell({ problem: failure(error) });
      }
    }
  }

  private askRunner(topic: string, tell: (reply: Json) => void) {
    return async ({ call }: any) => {
      const invocation = ++Session.invocations;
      const answer = new Promise<Json>((resolve) => this.answers.set(invocation, resolve));
      const [call_hash, task_name] = [call.callHash, call.taskName];
      const payload = base64(call.payload);
      tell({ invocation: { invocation, topic, call_hash, task_name, payload } });
      if (this.closing) this.giveUp();
      const { response, defer, fail } = await answer;
      if (response) return { payload: octets(response.value) };
      if (!defer) throw new HandlerFailed(fail);
      const calls = defer.children.map((ask: Json) => ({
        topic: ask.topic || undefined, call: toCall(ask),
      }));
      return new brrr.Defer(...calls);
    };
  }

  /** The SDK cannot end a long poll, and dropping its connection may lose a message. */
  async close(serving: Set<Promise<void>>): Promise<void> {
    this.closing = true;
    this.giveUp();
    const end = Date.now() + CLOSE_MS;
    while (serving.size && Date.now() < end) {
      // Without Redis there is nothing to end. What is begun here must be over when
      // the pool is: it would connect again.
      const unblocked = this.unblock().catch(() => undefined);
      const turn = Promise.race([Promise.all(serving), setTimeout(20)]);
      const left = setTimeout(end - Date.now(), null, { ref: false });
      await Promise.race([Promise.all([unblocked, turn]), left]);
    }
    // One that the pool began to connect for a command that another has done.
    while (this.pool.clientsInUse && Date.now() < end) await setTimeout(1);
    this.redis.destroy();
  }

  private giveUp(): void {
    for (const answer of this.answers.values()) answer({ fail: "given up" });
  }

  private async unblock(): Promise<void> {
    for (const { id, name, flags } of await this.pool.clientList()) {
      if (name !== this.name || !flags.includes("b")) continue;
      await this.pool.sendCommand(["CLIENT", "UNBLOCK", `${id}`]);
    }
  }
}
