/**
 * The label that flytekit gives to runs that an eager task launched; its value is the name of that task's run
 * (flytekit's `core/worker_queue.py`).
 */
const EAGER_LABEL = "eager-exec";

/**
 * A recursive common table `asked (id, project, domain, name)`: the unfinished runs that `seed` selects, with those
 * that eager tasks of theirs launched, at any depth. An eager task that is stopped leaves its runs behind.
 */
export const askedWithEagerRuns = (seed: string): string => `
  asked (id, project, domain, name) as (
    ${seed}
    union
    select c.id, c.project, c.domain, c.name from asked a
    join run_tags t on t.tag = '${EAGER_LABEL}' and t.value = a.name
    join runs c on c.id = t.run_id and c.project = a.project and c.domain = a.domain
    where c.phase not in ('succeeded', 'failed', 'aborted')
  )`;
