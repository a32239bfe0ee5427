import { expect, test } from "vitest";
import { AttemptFolder } from "../../../ledger/attempt-folder.ts";
import { agentLabel, attemptOf, isLabelName, isLabelValue, platformLabels, primaryContainerOf } from "./labels.ts";
import { ATTEMPT, GRANT, makeLaunch, makeSettings, podTask } from "./launch.testsuite.ts";
import { namespaceOf, podName } from "./pod-name.ts";
import { toPod } from "./to-pod.ts";

const HOSTILE = [
  "",
  "Grüße aus Köln",
  "机器学习.训练",
  "UPPER.case_Name",
  "-leading.and.trailing-",
  "a".repeat(300),
  `${"a".repeat(62)}-b`,
  "a/b:c d\ne",
  "...",
  "💥",
  'quote"s{{ project }}',
];
const DNS_LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
const shared = { namespace: undefined };

test.each(HOSTILE)(
  "a run, a task, a project and an agent called %j have labels and names that Kubernetes takes",
  (name) => {
    const grant = {
      ...GRANT,
      runName: name,
      actionName: name,
      project: name,
      domain: name,
      workflowKey: `p:d:${name}`,
    };
    const launch = makeLaunch({ grant: { ...grant, labels: { team: name, [name]: "x" } }, template: { id: { name } } });
    const { metadata } = toPod(launch, makeSettings({}, { agentId: name }), undefined).pod;
    for (const [label, value] of Object.entries(metadata?.labels ?? {})) {
      expect(isLabelName(label), label).toBe(true);
      expect(isLabelValue(value), value).toBe(true);
    }
    expect(metadata?.name).toMatch(DNS_LABEL);
    expect(metadata?.namespace).toMatch(DNS_LABEL);
  },
);

test("names that become alike stay apart", () => {
  const names = [
    ...HOSTILE,
    "grusse-aus-koln",
    "upper-case-name",
    "Upper.Case_Name",
    "leading-and-trailing",
    "a".repeat(299),
  ];
  const nameOf = (runName: string, actionName: string, at: number) =>
    podName(
      { folder: new AttemptFolder("/nowhere", { ...ATTEMPT, ordinal: at }), grant: { ...GRANT, runName, actionName } },
      shared,
    );
  const pods = names.flatMap((name, at) => [nameOf(name, "n0", 2 * at), nameOf("run", name, 2 * at + 1)]);
  pods.push(nameOf("a", "b-c", 1_000), nameOf("a-b", "c", 1_001));
  expect(new Set(pods).size).toBe(pods.length);
  const namespaces = names.map((project) => namespaceOf({ org: "", project, domain: "development" }, shared));
  namespaces.push(
    namespaceOf({ org: "", project: "a-eu", domain: "live" }, shared),
    namespaceOf({ org: "", project: "a", domain: "eu-live" }, shared),
    namespaceOf({ org: "a", project: "eu", domain: "live" }, shared),
  );
  expect(new Set(namespaces).size).toBe(namespaces.length);
  const agents = [...names, "launcher", "Launcher"].map(agentLabel);
  expect(new Set(agents).size).toBe(agents.length);
});

test("ordinary names stay as they are", () => {
  const launch = makeLaunch();
  expect(podName(launch, shared)).toBe("frun-n0-0");
  expect(namespaceOf(GRANT, shared)).toBe("flights-development");
  expect(namespaceOf(GRANT, { namespace: "tasks" })).toBe("tasks");
});

test("where projects share a namespace, runs of the same name have pods of their own", () => {
  const settings = { namespace: "tasks" };
  const other = new AttemptFolder("/nowhere", { ...ATTEMPT, runId: "01990000-0000-7000-8000-000000000002" });
  const [one, two] = [podName(makeLaunch(), settings), podName(makeLaunch({ folder: other }), settings)];
  expect(one).toMatch(/^frun-n0-0-[0-9a-f]{10}$/);
  expect(two).not.toBe(one);
});

test("labels are those of Flyte, and lead back to the attempt", () => {
  const template = { id: { name: "book.flights.Search_all" } };
  const { folder, grant, template: made } = makeLaunch({ template, grant: { interruptible: true } });
  expect(platformLabels(folder, grant, made, "launcher")).toEqual({
    "execution-id": "frun",
    project: "flights",
    domain: "development",
    "workflow-name": "book-everything",
    "node-id": "n0",
    "task-name": "book-flights-search-all",
    "shard-key": expect.stringMatching(/^\d+$/),
    interruptible: "true",
    "flyte.org/workflow-execution": "frun",
    "app.kubernetes.io/name": "skein-task",
    "app.kubernetes.io/managed-by": "skein",
    "skein.dev/agent": "launcher",
    "skein.dev/attempt": folder.key,
  });
  const { pod } = toPod(makeLaunch(), makeSettings(), undefined);
  expect(attemptOf(pod)).toEqual(ATTEMPT);
  expect(primaryContainerOf(pod)).toBe("primary");
  expect(attemptOf({ metadata: { labels: { "skein.dev/attempt": "somebody-elses" } } })).toBeUndefined();
});

test("nobody but the platform says whose pod it is", () => {
  const forged = {
    "skein.dev/attempt": "x",
    "skein.dev/owner": "x",
    "execution-id": "x",
    "app.kubernetes.io/name": "api",
  };
  const template = podTask({ containers: [{ name: "main", image: "i" }] }, "main", {
    metadata: {
      labels: forged,
      annotations: { ...forged, primary_container_name: "x", "kubernetes.io/config.mirror": "x" },
    },
  });
  const { metadata } = toPod(makeLaunch({ template, grant: { labels: forged } }), makeSettings(), {
    template: { metadata: { name: "x", namespace: "x", labels: forged, finalizers: ["x"], ownerReferences: [] } },
  } as never).pod;
  const honest = toPod(
    makeLaunch({ template: { ...template, target: { case: "container", value: {} } } }),
    makeSettings(),
    undefined,
  );
  expect(metadata).toEqual({
    ...honest.pod.metadata,
    annotations: {
      ...honest.pod.metadata?.annotations,
      "execution-id": "x",
      "app.kubernetes.io/name": "api",
      primary_container_name: "main",
    },
  });
});
