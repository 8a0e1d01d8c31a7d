// SPDX-License-Identifier: AGPL-3.0-only
// Adapter for the TypeScript SDK: passes on what it says and does, and mends nothing.
import { base64, CannotHold, decode, encode, type Json, octets, toCall } from "./records.ts";
import { RedisStore } from "./redis-store.ts";
import { backends, brrr, redis, version } from "./sdk.ts";

class HandlerFailed extends Error {}

const isRedisError = (error: unknown) =>
  Object.values(redis).some((it: any) => it?.prototype instanceof Error && error instanceof it);

// The first that fits; README.md says why a plain Error is a refusal.
const CODES: [string, (error: any) => boolean][] = [
  ["HANDLER_FAILED", (e) => e instanceof HandlerFailed],
  ["SPAWN_LIMIT", (e) => e instanceof brrr.SpawnLimitError],
  ["CAS_EXHAUSTED", (e) => e instanceof brrr.CasRetryLimitReachedError],
  ["CALL_MISSING", (e) => e instanceof brrr.NotFoundError],
  ["REFUSED", (e) => e instanceof brrr.TagMismatchError],
  ["REFUSED", (e) => e instanceof brrr.MalformedTaggedTupleError],
  ["BACKEND", (e) => isRedisError(e) || e?.syscall !== undefined],
  ["REFUSED", (e) => e instanceof CannotHold || e?.constructor === Error],
];

function failure(error: any): Json {
  const code = CODES.find(([, fits]) => fits(error))?.[0] ?? "UNEXPECTED";
  if (code === "UNEXPECTED") console.error(error);
  return { code, reason: `${error?.constructor.name}: ${error?.message}` };
}

function reply(id: number, body: Json): void {
  process.stdout.write(`${JSON.stringify({ id, ...body })}\n`);
}

const serving = new Set<Promise<void>>(); // each Serve until it is replied to
const answers = new Map<number, (answer: Json) => void>();
let invocations = 0;

/** What Open makes and Close ends. */
class Session {
  readonly closed = Promise.withResolvers<symbol>();
  closing = false;
  readonly redis: any;
  readonly server: any;

  constructor(url: string) {
    // What destroy() forgets (findings/README.md) must at least not connect again.
    const reconnectStrategy = (n: number) => !this.closing && Math.min(2 ** n * 50, 2000);
    const pool = redis.createClientPool({ RESP: 3, url, socket: { reconnectStrategy } });
    pool.on("error", (error: Error) => this.closing || console.error(error.message));
    this.redis = new backends.Redis(pool);
    const emit = (topic: string, message: string) => this.redis.push(topic, message);
    const store = new RedisStore(pool); // the place to choose another store
    this.server = new brrr.Server(store, this.redis, { emit });
  }

  async serve(id: number, { topic, on_problem }: Json): Promise<void> {
    const handle = async ({ call }: any) => {
      const invocation = ++invocations;
      const answer = new Promise<Json>((resolve) => answers.set(invocation, resolve));
      const [call_hash, task_name] = [call.callHash, call.taskName];
      const payload = base64(call.payload);
      reply(id, { invocation: { invocation, topic, call_hash, task_name, payload } });
      const { response, defer, fail } = await answer;
      if (response) return { payload: octets(response.value) };
      if (!defer) throw new HandlerFailed(fail);
      const calls = defer.children.map((ask: Json) => ({
        topic: ask.topic || undefined, call: toCall(ask),
      }));
      return new brrr.Defer(...calls);
    };
    const pop = () => Promise.race([this.closed.promise, this.redis.pop(topic)]);
    while (!this.closing) {
      try {
        const loop = this.server.loop(topic, handle, pop);
        await Promise.race([this.closed.promise, loop]); // a handler may never end
      } catch (error) {
        if (this.closing) return;
        if (on_problem === "STOP") throw error;
        reply(id, { problem: failure(error) });
      }
    }
  }

  async close(): Promise<void> {
    this.closing = true;
    this.closed.resolve(brrr.BrrrShutdownSymbol);
    await Promise.all(serving);
    this.redis.destroy(); // close() would wait for the long poll
  }
}

let session: Session | undefined;

async function run(id: number, command: Json): Promise<Json> {
  const [kind, body] = Object.entries(command)[0] ?? ["nothing", {}];
  if (["schedule", "read", "serve"].includes(kind) && !session) {
    return { failure: { code: "MISUSE", reason: "Open comes first" } };
  }
  switch (kind) {
    case "hello":
      return { welcome: { protocol: 1, sdk: "brrr", version, language: "TypeScript" } };
    case "encode":
      return { encoded: await encode(body) };
    case "decode":
      return { decoded: await decode(body) };
    case "open":
      session = new Session(body.redis_url);
      await session.redis.connect();
      return { done: {} };
    case "close":
      const open = session;
      session = undefined;
      await open?.close();
      return { done: {} };
    case "schedule":
      await session!.server.scheduleRaw(body.ask.topic, toCall(body.ask));
      return { done: {} };
    case "read":
      return { found: { value: base64(await session!.server.readRaw(body.call_hash)) } };
    case "serve":
      await session!.serve(id, body);
      return { done: {} };
  }
  return { failure: { code: "NOT_IMPLEMENTED", reason: kind } };
}

async function* lines(): AsyncGenerator<string> {
  let line = ""; // not node:readline, which also breaks lines at U+2028
  for await (const chunk of process.stdin.setEncoding("utf8")) {
    const [first, ...more] = chunk.split("\n");
    line += first;
    for (const next of more) {
      yield line;
      line = next;
    }
  }
}

for await (const line of lines()) {
  const { id, answer, ...command } = JSON.parse(line);
  if (answer) {
    answers.get(answer.invocation)!(answer);
    answers.delete(answer.invocation);
  } else {
    const replied = run(id, command)
      .catch((error) => ({ failure: failure(error) }))
      .then((body) => reply(id, body));
    if (command.serve) serving.add(replied);
    replied.then(() => serving.delete(replied));
  }
}
process.exit(0);
