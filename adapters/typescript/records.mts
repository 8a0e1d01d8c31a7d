// SPDX-License-Identifier: AGPL-3.0-only
// Records through the SDK's own classes: the commands Encode and Decode.
import {
  backends, bencoder, Memory, PendingReturn, PendingReturns, ScheduleMessage, TaggedTuple,
} from "./sdk.mts";

export type Json = Record<string, any>;
const CALL = { type: "call", callHash: "" };

/** What the SDK's types cannot hold: the adapter refuses for it. */
export class CannotHold extends Error {}
/** An Encode without one. */
export class NoRecord extends Error {}

export const octets = (base64: string) => new Uint8Array(Buffer.from(base64, "base64"));
// Nothing for what is not of the type that the SDK promises: no field can hold it.
export const base64 = (value: unknown) =>
  ArrayBuffer.isView(value) ? Buffer.from(value as Uint8Array).toString("base64") : undefined;
const text = (value: unknown) => (typeof value === "string" ? value : undefined);

const int64 = (value: unknown) =>
  Number.isInteger(value) && Math.abs(value as number) < 2 ** 63
    ? BigInt(value as number).toString()
    : undefined;

/** A double, as the SDK has it; 0 means unset. */
function seconds(int64: string): number | undefined {
  if (BigInt(Number(int64)) !== BigInt(int64)) throw new CannotHold(`a double: ${int64}`);
  return Number(int64) || undefined;
}

/** Text from UTF-8 in which lone surrogates are written like other code points. */
function illFormed(raw: Uint8Array): string {
  const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  const parts = Buffer.from(raw).toString("latin1").split(/(\xed[\xa0-\xbf][\x80-\xbf])/);
  const decode = (part: string, i: number) => {
    const [, b, c] = Buffer.from(part, "latin1");
    if (i % 2) return String.fromCharCode(0xd000 | ((b! & 63) << 6) | (c! & 63));
    try {
      return utf8.decode(Buffer.from(part, "latin1"));
    } catch {
      throw new CannotHold("UTF-16: octets that are no text");
    }
  };
  return parts.map(decode).join("");
}

export const toCall = (r: Json) => ({
  taskName: r.task_name, payload: octets(r.payload), callHash: r.call_hash ?? "",
});
const toReturn = (r: Json) => new PendingReturn(r.root_id, r.call_hash, r.topic);
const returnToJson = (r: any) => ({
  root_id: text(r.rootId), call_hash: text(r.callHash), topic: text(r.topic),
});

interface Codec {
  fromJson: (r: Json) => any;
  toJson: (record: any) => Json;
  write: (record: any) => Uint8Array | Promise<Uint8Array>;
  read: (raw: Uint8Array) => any;
}

const CODECS: Record<string, Codec> = {
  schedule_message: {
    fromJson: (r) => new ScheduleMessage(r.root_id, r.call_hash),
    toJson: (m) => ({ root_id: text(m.rootId), call_hash: text(m.callHash) }),
    write: TaggedTuple.encode,
    read: (raw) => TaggedTuple.decode(ScheduleMessage, raw),
  },
  pending_return: {
    fromJson: toReturn,
    toJson: returnToJson,
    write: TaggedTuple.encode,
    read: (raw) => TaggedTuple.decode(PendingReturn, raw),
  },
  pending_returns: {
    fromJson: (r) => new PendingReturns(seconds(r.scheduled_at), r.returns.map(toReturn)),
    toJson: (r) => ({
      returns: [...r.encodedReturns]
        .map((it) => TaggedTuple.decodeFromString(PendingReturn, it))
        .map(returnToJson),
      scheduled_at: int64(r.scheduledAt),
    }),
    write: (record) => record.encode(),
    read: (raw) => PendingReturns.decode(raw),
  },
  call: { // the SDK writes it to a store and reads it from there, and nowhere else
    fromJson: toCall,
    toJson: (call) => ({ task_name: text(call.taskName), payload: base64(call.payload) }),
    write: async (call) => {
      const store = new backends.InMemoryStore();
      await new Memory(store).setCall(call);
      return store.get(CALL);
    },
    read: async (raw) => {
      const store = new backends.InMemoryStore();
      await store.set(CALL, raw);
      return new Memory(store).getCall(CALL.callHash);
    },
  },
};

export async function encode({ ill_formed, ...command }: Json): Promise<Json> {
  const [kind, record] = Object.entries(command)[0] ?? [];
  if (!kind) throw new NoRecord("no record");
  for (const { field, octets: raw } of ill_formed) {
    (record.returns?.[0] ?? record)[field] = illFormed(octets(raw));
  }
  const { fromJson, write } = CODECS[kind]!;
  return { octets: base64(await write(fromJson(record))) };
}

export async function decode(command: Json): Promise<Json> {
  const [kind, raw] = [command.type.toLowerCase(), octets(command.octets)];
  if (kind === "value") return { reencoded: base64(bencoder.encode(bencoder.decode(raw))) };
  const { read, toJson, write } = CODECS[kind]!;
  const record = await read(raw);
  return { [kind]: toJson(record), reencoded: base64(await write(record)) };
}
