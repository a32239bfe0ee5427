import { SkeinError } from "@skein/errors";
import { toBytes } from "@skein/idl";
import {
  type DataLoadingConfig,
  DataLoadingConfig_LiteralMapFormat,
  type TaskTemplate,
  TypedInterfaceSchema,
  VariableMapSchema,
} from "@skein/idl/core";
import type { Launch } from "../../runtime.ts";
import { volumeSize } from "./container-resources.ts";
import { type Json, listOf } from "./json.ts";
import type { PodDraft } from "./pod-draft.ts";
import type { PodSettings } from "./pod-settings.ts";
import { addVolume } from "./volumes.ts";

/** Brings a raw container's inputs, before it starts. */
export const DOWNLOADER = "flyte-copilot-downloader";
/** Runs beside a raw container, and takes its outputs away once it ended. */
export const UPLOADER = "flyte-copilot-uploader";

const INPUT_PATH = "/var/flyte/inputs";
const OUTPUT_PATH = "/var/flyte/outputs";
/** In copilot's image. */
const PROGRAM = "/copilot";
const READY_SOCKET = "skein-copilot";
/** The task begins once copilot hears signals: of an earlier one it would never know, and the pod would not end. */
const STARTUP_PROBE = {
  exec: { command: [PROGRAM, "is-ready", "--ready-socket", READY_SOCKET] },
  periodSeconds: 1,
  timeoutSeconds: 10,
  failureThreshold: 120,
};

/** Adds copilot to the pod of a task that wants its data as files. Nothing of the task's own pod reaches copilot's containers. */
export function withCopilot(draft: PodDraft, launch: Launch, settings: PodSettings): PodDraft {
  const config = dataLoadingOf(launch.template);
  if (!config) return draft;
  const { copilotImage } = settings;
  if (copilotImage === undefined) {
    const message =
      "The task wants its data as files, which needs copilot: set SKEIN_KUBERNETES_COPILOT_IMAGE for the launcher";
    throw new SkeinError("failed_precondition", "copilot_missing", message);
  }
  const base = { image: copilotImage, resources: settings.rules.copilot.resources };
  const downloading = withDownloader(draft, launch, config, base);
  return withUploader(downloading, launch, config, base, settings.rules.copilot.uploadSeconds);
}

function withDownloader(draft: PodDraft, launch: Launch, config: DataLoadingConfig, base: Json): PodDraft {
  const inputs = launch.template.interface?.inputs;
  if (!inputs || Object.keys(inputs.variables).length === 0) return draft;
  const path = config.inputPath || INPUT_PATH;
  const mount = { name: "flyte-inputs", mountPath: path };
  const args = [
    "download",
    ...["--from-remote", placeOf("{{.input}}", launch), "--to-output-prefix", placeOf("{{.outputPrefix}}", launch)],
    ...["--to-local-dir", path, "--format", DataLoadingConfig_LiteralMapFormat[config.format] ?? "JSON"],
    ...["--input-interface", Buffer.from(toBytes(VariableMapSchema, inputs)).toString("base64")],
  ];
  const container = { name: DOWNLOADER, ...base, args, volumeMounts: [mount] };
  const readOnly = { ...mount, readOnly: true };
  const spec = addVolume(draft.spec, dataVolume(mount.name, launch), readOnly, (name) => name === draft.primary);
  return { ...draft, spec: { ...spec, initContainers: [...listOf(spec.initContainers), container] } };
}

/** The first of the init containers, so that it runs before anything could fail; as a sidecar it ends after all others. */
function withUploader(
  draft: PodDraft,
  launch: Launch,
  config: DataLoadingConfig,
  base: Json,
  seconds: number,
): PodDraft {
  const declared = launch.template.interface;
  if (!declared || Object.keys(declared.outputs?.variables ?? {}).length === 0) return draft;
  const path = config.outputPath || OUTPUT_PATH;
  const mount = { name: "flyte-outputs", mountPath: path };
  const args = [
    ...["sidecar", "--timeout", `${seconds}s`, "--to-raw-output", placeOf("{{.rawOutputDataPrefix}}", launch)],
    ...["--to-output-prefix", placeOf("{{.outputPrefix}}", launch), "--from-local-dir", path],
    ...["--interface", Buffer.from(toBytes(TypedInterfaceSchema, declared)).toString("base64")],
    ...["--ready-socket", READY_SOCKET],
  ];
  const sidecar = { restartPolicy: "Always", startupProbe: STARTUP_PROBE };
  const container = { name: UPLOADER, ...base, args, ...sidecar, volumeMounts: [mount] };
  const spec = addVolume(draft.spec, dataVolume(mount.name, launch), mount, (name) => name === draft.primary);
  const graceSeconds = Math.max(seconds, Number(spec.terminationGracePeriodSeconds ?? 0));
  const initContainers = [container, ...listOf(spec.initContainers)];
  return { ...draft, spec: { ...spec, initContainers, terminationGracePeriodSeconds: graceSeconds } };
}

function dataLoadingOf({ target }: TaskTemplate): DataLoadingConfig | undefined {
  const config = target.case === "container" || target.case === "k8sPod" ? target.value.dataConfig : undefined;
  return config?.enabled ? config : undefined;
}

function dataVolume(name: string, { template: { target } }: Launch): Json {
  const sizeLimit = target.case === "container" ? volumeSize(target.value.resources) : undefined;
  return { name, emptyDir: sizeLimit === undefined ? {} : { sizeLimit } };
}

/** Where the launch says that the task finds something. */
const placeOf = (word: string, { render }: Launch): string => render([word]).join("");
