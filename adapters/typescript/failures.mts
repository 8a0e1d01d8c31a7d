// SPDX-License-Identifier: AGPL-3.0-only
// Errors that come out of the SDK, as Failure.
import { CannotHold, type Json, NoRecord } from "./records.mts";
import { brrr, redis } from "./sdk.mts";

export class HandlerFailed extends Error {}
export class Misuse extends Error {}

const isRedisError = (error: unknown) =>
  Object.values(redis).some((it: any) => it?.prototype instanceof Error && error instanceof it);

// The first that fits; README.md says why a plain Error is a refusal.
const CODES: [string, (error: any) => boolean][] = [
  ["HANDLER_FAILED", (e) => e instanceof HandlerFailed],
  ["HANDLER_FAILED", (e) => e instanceof brrr.TaskNotFoundError],
  ["MISUSE", (e) => e instanceof Misuse || e instanceof NoRecord],
  ["SPAWN_LIMIT", (e) => e instanceof brrr.SpawnLimitError],
  ["CAS_EXHAUSTED", (e) => e instanceof brrr.CasRetryLimitReachedError],
  ["CALL_MISSING", (e) => e instanceof brrr.NotFoundError],
  ["REFUSED", (e) => e instanceof brrr.TagMismatchError],
  ["REFUSED", (e) => e instanceof brrr.MalformedTaggedTupleError],
  ["BACKEND", (e) => isRedisError(e) || e?.syscall !== undefined || e?.$metadata !== undefined],
  ["REFUSED", (e) => e instanceof CannotHold || e?.constructor === Error],
];

export function failure(error: any): Json {
  const code = CODES.find(([, fits]) => fits(error))?.[0] ?? "UNEXPECTED";
  if (code === "UNEXPECTED") console.error(error);
  return { code, reason: `${error?.constructor.name}: ${error?.message}` };
}
