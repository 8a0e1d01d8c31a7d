// SPDX-License-Identifier: AGPL-3.0-only
// Adapter for the TypeScript SDK: passes on what it says and does, and mends nothing.
import { failure, Misuse } from "./failures.mts";
import { base64, decode, encode, type Json, toCall } from "./records.mts";
import { version } from "./sdk.mts";
import { Session } from "./session.mts";
import { codec, parse, readTask } from "./tasks.mts";

let session: Session | undefined;
const NEED_OPEN = ["schedule", "read", "serve", "schedule_task", "read_task", "serve_tasks"];
const serving = new Set<Promise<void>>(); // each Serve until it is replied to

function reply(id: number, body: Json): void {
  process.stdout.write(`${JSON.stringify({ id, ...body })}\n`);
}

async function run(id: number, command: Json): Promise<Json> {
  const [kind, body] = Object.entries(command)[0] ?? ["nothing", {}];
  if (NEED_OPEN.includes(kind) && !session) {
    throw new Misuse("Open comes first");
  }
  switch (kind) {
    case "hello":
      return { welcome: { protocol: 1, sdk: "brrr", version, language: "TypeScript" } };
    case "encode":
      return { encoded: await encode(body) };
    case "decode":
      return { decoded: await decode(body) };
    case "open":
      session = new Session(body);
      await session.open();
      return { done: {} };
    case "close": {
      const open = session;
      session = undefined;
      await open?.close(serving);
      return { done: {} };
    }
    case "schedule":
      await session!.server.scheduleRaw(body.ask.topic, toCall(body.ask));
      return { done: {} };
    case "read":
      return { found: { value: base64(await session!.server.readRaw(body.call_hash)) } };
    case "serve":
      await session!.serve(body, (it) => reply(id, it));
      return { done: {} };
    case "encode_call": {
      const call = await codec.encodeCall(body.task_name, parse(body.args.text));
      return { encoded_call: { payload: base64(call.payload), call_hash: call.callHash } };
    }
    case "schedule_task":
      await session!.app.schedule(body.task_name, body.topic)(...parse(body.args));
      return { done: {} };
    case "read_task":
      return { found: await readTask(session!.app.read(body.task_name), parse(body.args)) };
    case "serve_tasks":
      await session!.serve(body, (it) => reply(id, it), session!.app.handle);
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
    session?.answer(answer);
    continue;
  }
  const replied = run(id, command)
    .catch((error) => ({ failure: failure(error) }))
    .then((body) => reply(id, body));
  if (command.serve || command.serve_tasks) serving.add(replied);
  replied.then(() => serving.delete(replied));
}
process.exit(0);
