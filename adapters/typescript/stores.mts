// SPDX-License-Identifier: AGPL-3.0-only
// The stores: the SDK's own on DynamoDB, and its Store interface on our Redis binding, where
// the SDK has none.
import type { Json } from "./records.mts";
import { backends, dynamodb, redis } from "./sdk.mts";

interface Key { type: string; callHash: string }

const ifSame = (act: string) =>
  `if redis.call('GET', KEYS[1]) == ARGV[1] then ${act} return 1 end return 0`;
const CAS = ifSame("redis.call('SET', KEYS[1], ARGV[2])");
const CAD = ifSame("redis.call('DEL', KEYS[1])");

const name = (key: Key) => `${key.type}/${key.callHash}`; // [REDIS-20]

export class RedisStore {
  private readonly client: any;

  constructor(client: any) {
    this.client = client.withTypeMapping({ [redis.RESP_TYPES.BLOB_STRING]: Buffer });
  }

  async has(key: Key): Promise<boolean> {
    return (await this.client.exists(name(key))) === 1;
  }

  async get(key: Key): Promise<Uint8Array | undefined> {
    return (await this.client.get(name(key))) ?? undefined;
  }

  async getWithRetry(key: Key): Promise<Uint8Array | undefined> {
    return this.get(key); // Redis is consistent
  }

  async set(key: Key, value: Uint8Array): Promise<void> {
    await this.client.set(name(key), Buffer.from(value));
  }

  async delete(key: Key): Promise<void> {
    await this.client.del(name(key));
  }

  async setNewValue(key: Key, value: Uint8Array): Promise<boolean> {
    const done = await this.client.set(name(key), Buffer.from(value), { condition: "NX" });
    return done !== null;
  }

  async compareAndSet(key: Key, value: Uint8Array, expected: Uint8Array): Promise<boolean> {
    return this.ifSame(CAS, key, expected, value);
  }

  async compareAndDelete(key: Key, expected: Uint8Array): Promise<boolean> {
    return this.ifSame(CAD, key, expected);
  }

  private async ifSame(script: string, key: Key, ...octets: Uint8Array[]): Promise<boolean> {
    const given = { keys: [name(key)], arguments: octets.map((it) => Buffer.from(it)) };
    return (await this.client.eval(script, given)) === 1;
  }
}

export function openDynamo({ table, endpoint, region, ...keys }: Json): any {
  const credentials = { accessKeyId: keys.access_key_id, secretAccessKey: keys.secret_access_key };
  const client = new dynamodb.DynamoDBClient({ endpoint, region, credentials });
  return new backends.Dynamo(client, table);
}
