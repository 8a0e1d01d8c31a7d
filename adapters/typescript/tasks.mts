// SPDX-License-Identifier: AGPL-3.0-only
// The tasks of conformance/programs.md, on the SDK's app and its JSON codec.
import { HandlerFailed } from "./failures.mts";
import { base64, type Json, octets } from "./records.mts";
import { brrr } from "./sdk.mts";

export const codec = new brrr.NaiveJsonCodec();
export const parse = (text: string): any => JSON.parse(Buffer.from(octets(text)).toString());

export async function readTask(read: any, args: any[]): Promise<Json> {
  try {
    return { value: base64(Buffer.from(JSON.stringify(await read(...args)))) };
  } catch (error) {
    if (error instanceof brrr.NotFoundError) return {};
    throw error;
  }
}

async function fib(app: any, n: number): Promise<number> {
  if (n < 2) return n;
  const [a, b] = await app.gather(app.call("fib")(n - 1), app.call("fib")(n - 2));
  return a + b;
}

async function program(app: any, nodes: Json[], at: number): Promise<any> {
  const call = ([to, topic]: any) =>
    app.call(nodes[to]!.task ?? "program", topic)(...(nodes[to]!.args ?? [nodes, to]));
  const node = nodes[at]!;
  const values: any[] = [];
  try {
    for (const step of node.do ?? []) {
      if (step.length === 1) values.push(await call(step[0]));
      else values.push(...(await app.gather(...step.map(call))));
    }
    if ("raise" in node) throw new HandlerFailed(node.raise);
  } catch (error) {
    if ("catch" in node) return node.catch;
    throw error;
  }
  if ("big" in node) return "x".repeat(node.big);
  if ("take" in node) return values[node.take];
  return "return" in node ? node.return : values;
}

export const tasks = {
  hello: brrr.taskFn(async (greetee: string) => `Hello, ${greetee}!`),
  echo: brrr.taskFn(async (value: any) => value),
  fib,
  program,
};
