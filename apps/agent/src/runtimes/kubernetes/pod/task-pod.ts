import { SkeinError } from "@skein/errors";
import type { Container, K8sPod, TaskTemplate } from "@skein/idl/core";
import type { Launch } from "../../runtime.ts";
import { shapeProblems } from "./check-shape.ts";
import { toRequirements } from "./container-resources.ts";
import { type Json, listOf } from "./json.ts";
import { PRIMARY_ANNOTATION } from "./labels.ts";
import { containersOf, mapContainers, type PodDraft } from "./pod-draft.ts";
import { Problems } from "./problems.ts";

/** The name of a container that its task does not name. */
const PRIMARY = "primary";

/** The pod as the task itself describes it, before anybody else has a say. Its environment comes later. */
export function taskPod(launch: Launch): PodDraft {
  const { target } = launch.template;
  return target.case === "k8sPod"
    ? ofPod(launch, target.value)
    : ofContainer(launch, target.case === "container" ? target.value : undefined);
}

function ofContainer(launch: Launch, container: Container | undefined): PodDraft {
  const ports = (container?.ports ?? []).map(({ containerPort, name }) => ({
    containerPort,
    ...(name === "" ? {} : { name }),
  }));
  const primary = {
    name: PRIMARY,
    ...wordsOf(launch),
    ...(ports.length > 0 ? { ports } : {}),
    resources: toRequirements(container?.resources),
    terminationMessagePolicy: "FallbackToLogsOnError",
  };
  return { labels: {}, annotations: {}, spec: { containers: [primary] }, primary: PRIMARY };
}

function ofPod(launch: Launch, pod: K8sPod): PodDraft {
  const spec = pod.podSpec ?? {};
  const problems = new Problems();
  for (const problem of shapeProblems(spec, "V1PodSpec", "pod_spec")) problems.add(problem);
  problems.throwAny("pod_spec_invalid", "The task's pod cannot be read");
  const primary = primaryNameOf(launch.template, pod);
  if (!listOf(spec.containers).some(({ name }) => name === primary)) {
    const names = listOf(spec.containers).map(({ name }) => JSON.stringify(name));
    const message = `The task's primary container ${JSON.stringify(primary)} is not in its pod, which has ${names.join(", ") || "none"}`;
    throw new SkeinError("invalid_argument", "primary_container_missing", message);
  }
  const rendered = mapContainers(spec, (container, isInit) =>
    !isInit && container.name === primary ? { ...container, ...wordsOf(launch) } : renderWords(container, launch),
  );
  const { labels = {}, annotations = {} } = pod.metadata ?? {};
  return { labels, annotations, spec: rendered, primary };
}

/** Clients name it in the pod or, longer since, in the task's configuration. */
function primaryNameOf(template: TaskTemplate, pod: K8sPod): string {
  const named = pod.primaryContainerName || template.config[PRIMARY_ANNOTATION];
  if (named) return named;
  const [only, ...others] = listOf(pod.podSpec?.containers);
  return only && others.length === 0 ? String(only.name) : PRIMARY;
}

/** What the launch says of the primary container, as far as it does: the rest may come from a template. */
function wordsOf({ image, command, args }: Launch): Json {
  return {
    ...(image === "" ? {} : { image }),
    ...(command.length === 0 ? {} : { command: [...command] }),
    ...(args.length === 0 ? {} : { args: [...args] }),
  };
}

function renderWords(container: Json, { render }: Launch): Json {
  const rendered: Json = {};
  for (const field of ["command", "args"]) {
    const words = container[field];
    if (Array.isArray(words)) rendered[field] = render(words.map(String));
  }
  return { ...container, ...rendered };
}

/** Every container has an image, and a name of its own. */
export function checkContainers(spec: Json): void {
  const problems = new Problems();
  const names = new Set<unknown>();
  for (const { name, image } of containersOf(spec)) {
    if (names.has(name)) problems.add(`two containers are named ${JSON.stringify(name)}`);
    names.add(name);
    if (typeof image !== "string" || image === "") problems.add(`the container ${JSON.stringify(name)} has no image`);
  }
  problems.throwAny("pod_spec_invalid", "The task's pod cannot be made");
}
