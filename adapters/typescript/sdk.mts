// SPDX-License-Identifier: AGPL-3.0-only
// The SDK and its clients, from where BRRR_TYPESCRIPT_SDK says they are.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";

const require = createRequire(join(process.env.BRRR_TYPESCRIPT_SDK!, "package.json"));
const load = (file: string) => import(pathToFileURL(file).href);
const dist = dirname(require.resolve("@anterior/brrr"));

export const redis = await load(require.resolve("redis"));
export const dynamodb = await load(require.resolve("@aws-sdk/client-dynamodb"));
export const brrr = await load(require.resolve("@anterior/brrr"));
export const backends = await load(require.resolve("@anterior/brrr/backends"));
// The package does not export its records: these are its own modules, by path.
export const { Memory, PendingReturns } = await load(join(dist, "store.js"));
export const { PendingReturn, ScheduleMessage, TaggedTuple } = await load(
  join(dist, "tagged-tuple.js"),
);
export const { bencoder } = await load(join(dist, "internal-codecs.js"));
export const { version } = JSON.parse(
  readFileSync(join(dist, "../package.json"), "utf8"),
);
