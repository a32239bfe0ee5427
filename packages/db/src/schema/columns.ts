import { customType, timestamp } from "drizzle-orm/pg-core";

/** Protobuf messages as the client sent them, digests, hashes and log bytes. */
export const bytea = customType<{ data: Uint8Array; driverData: Buffer }>({
  dataType: () => "bytea",
  toDriver: (value) => Buffer.from(value.buffer, value.byteOffset, value.byteLength),
});

/** Millisecond precision, because JavaScript reads no finer and a cursor must survive the trip. */
export const moment = () => timestamp({ withTimezone: true, precision: 3 });
export const createdAt = () => moment().notNull().defaultNow();
export const updatedAt = () => moment().notNull().defaultNow();
