import { createSkeinClient, watchRun } from "@skein/client";

/**
 * Launches a registered task and follows it to its end:
 * `node launch-and-follow.ts http://localhost:8088 flytesnacks development my.task '{"x": 5}'`
 */
const [url = "", project = "", domain = "", name = "", inputs = "{}"] = process.argv.slice(2);
const client = createSkeinClient({ url });

const run = await client.runs.launch.mutate({ project, domain, task: { name }, inputs: JSON.parse(inputs) });
console.log(`launched ${run.name}`);

for await (const update of watchRun(client, run)) {
  console.log(`run ${update.run.phase}, changed: ${update.actions.map((action) => action.name).join(" ")}`);
}

const { outputs } = await client.runs.data.query(run);
console.log(`outputs ${JSON.stringify(outputs)}`);
