import { expect, test } from "vitest";
import type { Json } from "./json.ts";
import { mergeManifests } from "./merge-manifests.ts";
import { ontoTemplate } from "./pod-draft.ts";

const draftOf = (spec: Json, primary = "main") => ({ labels: {}, annotations: {}, spec, primary });

test("the higher manifest wins, objects and named lists are merged, other lists joined", () => {
  const base = {
    hostNetwork: true,
    terminationGracePeriodSeconds: 30,
    nodeSelector: { disk: "ssd", zone: "a" },
    tolerations: [{ key: "gpu" }, { key: "spot" }],
    imagePullSecrets: [{ name: "registry" }],
    volumes: [{ name: "scratch", emptyDir: {} }],
    containers: [
      {
        name: "main",
        command: ["old", "words"],
        env: [{ name: "A", value: "1" }],
        resources: { limits: { cpu: "1" } },
      },
    ],
  };
  const over = {
    hostNetwork: false,
    terminationGracePeriodSeconds: 0,
    nodeSelector: { zone: "b" },
    tolerations: [{ key: "spot" }, { key: "mine" }],
    imagePullSecrets: [{ name: "registry" }, { name: "other" }],
    volumes: [{ name: "scratch", persistentVolumeClaim: { claimName: "data" } }],
    priorityClassName: null,
    containers: [
      {
        name: "main",
        command: ["new"],
        env: [
          { name: "A", valueFrom: { fieldRef: {} } },
          { name: "B", value: "2" },
        ],
        resources: { limits: { memory: "1Gi" } },
      },
      { name: "side" },
    ],
  };
  expect(mergeManifests(base, over)).toEqual({
    hostNetwork: false,
    terminationGracePeriodSeconds: 0,
    nodeSelector: { disk: "ssd", zone: "b" },
    tolerations: [{ key: "gpu" }, { key: "spot" }, { key: "mine" }],
    imagePullSecrets: [{ name: "registry" }, { name: "other" }],
    volumes: [{ name: "scratch", persistentVolumeClaim: { claimName: "data" } }],
    containers: [
      {
        name: "main",
        command: ["new"],
        env: [
          { name: "A", valueFrom: { fieldRef: {} } },
          { name: "B", value: "2" },
        ],
        resources: { limits: { cpu: "1", memory: "1Gi" } },
      },
      { name: "side" },
    ],
  });
});

test("of a template's containers, stand-ins lie below all that they stand for, and others below their namesakes", () => {
  const template = {
    metadata: { labels: { team: "a", cost: "1" }, annotations: { note: "x" } },
    spec: {
      serviceAccountName: "tasks",
      containers: [
        {
          name: "default",
          image: "noop",
          env: [
            { name: "ALL", value: "1" },
            { name: "WHO", value: "all" },
          ],
        },
        { name: "primary", env: [{ name: "WHO", value: "primary" }] },
        { name: "side", env: [{ name: "WHO", value: "side" }] },
        { name: "unknown", image: "noop" },
      ],
      initContainers: [{ name: "default-init", imagePullPolicy: "Never" }, { name: "unknown-init" }],
    },
  };
  const spec = {
    containers: [
      { name: "main", image: "real" },
      { name: "side", image: "proxy" },
      { name: "third", image: "third" },
    ],
    initContainers: [{ name: "set-up", image: "tools" }],
  };
  const merged = ontoTemplate(template, { ...draftOf(spec), labels: { cost: "2" } });
  const who = (value: string) => [
    { name: "ALL", value: "1" },
    { name: "WHO", value },
  ];
  expect(merged).toEqual({
    labels: { team: "a", cost: "2" },
    annotations: { note: "x" },
    primary: "main",
    spec: {
      serviceAccountName: "tasks",
      containers: [
        { name: "main", image: "real", env: who("primary") },
        { name: "side", image: "proxy", env: who("side") },
        { name: "third", image: "third", env: who("all") },
      ],
      initContainers: [{ name: "set-up", image: "tools", imagePullPolicy: "Never" }],
    },
  });
});

test("a container with a stand-in's name gets what the name stands for", () => {
  const template = {
    spec: {
      containers: [
        { name: "primary", env: [{ name: "A", value: "1" }] },
        { name: "default", args: ["x"] },
      ],
    },
  };
  const of = (name: string, primary: string) =>
    ontoTemplate(template, draftOf({ containers: [{ name, image: "i" }] }, primary)).spec.containers;
  expect(of("primary", "primary")).toEqual([
    { name: "primary", image: "i", args: ["x"], env: [{ name: "A", value: "1" }] },
  ]);
  expect(of("primary", "other")).toEqual([{ name: "primary", image: "i", args: ["x"] }]);
});
