/** What an agent says of itself in heartbeats. */
export const VERSION = "0.1.0";
