export { type Consumer, type Lane, openQueues, type Queues, type QueuesOptions } from "./open-queues.ts";
export type { OrderTaker, TakenOrder } from "./order-taker.ts";
