import { type Json, jsonOf, listOf } from "./json.ts";
import { containersOf } from "./pod-draft.ts";
import type { PodSettings } from "./pod-settings.ts";
import type { Problems } from "./problems.ts";

interface Reference {
  readonly place: string;
  readonly name: unknown;
}

/** Where all projects share a namespace, a pod that names an object of it reads what may be another project's, or the platform's. */
export function referenceProblems(spec: Json, { rules, namespace }: PodSettings, problems: Problems): void {
  if (namespace === undefined) return;
  const references = [...listOf(spec.volumes).flatMap(ofVolume), ...containersOf(spec).flatMap(ofContainer)];
  for (const { place, name } of references) {
    if (name === undefined || rules.shared.names.includes(String(name))) continue;
    problems.add(`${place} must not name ${JSON.stringify(name)}, for all projects share this namespace`);
  }
}

function ofContainer(container: Json): Reference[] {
  const place = `container ${JSON.stringify(container.name)}`;
  const ofEnv = listOf(container.env).flatMap((variable) => {
    const { secretKeyRef, configMapKeyRef } = jsonOf(variable.valueFrom);
    const at = `${place}: env ${variable.name}`;
    return [
      { place: at, name: jsonOf(secretKeyRef).name },
      { place: at, name: jsonOf(configMapKeyRef).name },
    ];
  });
  const ofEnvFrom = listOf(container.envFrom).flatMap(({ secretRef, configMapRef }) => [
    { place: `${place}: envFrom`, name: jsonOf(secretRef).name },
    { place: `${place}: envFrom`, name: jsonOf(configMapRef).name },
  ]);
  return [...ofEnv, ...ofEnvFrom];
}

function ofVolume(volume: Json): Reference[] {
  const place = `volume ${JSON.stringify(volume.name)}`;
  const names = [
    jsonOf(volume.secret).secretName,
    jsonOf(volume.configMap).name,
    jsonOf(volume.persistentVolumeClaim).claimName,
    ...Object.values(volume).map((source) => jsonOf(jsonOf(source).secretRef).name),
    // Drivers read this Secret for the pod: the store of secrets that it opens may be anybody's.
    jsonOf(jsonOf(volume.csi).nodePublishSecretRef).name,
    ...listOf(jsonOf(volume.projected).sources).flatMap(({ secret, configMap }) => [
      jsonOf(secret).name,
      jsonOf(configMap).name,
    ]),
  ];
  return names.map((name) => ({ place, name }));
}
