/** Ids of the two nodes that the compiler adds to every workflow. */
export const START_NODE_ID = "start-node";
export const END_NODE_ID = "end-node";
