/** The calls whose outcome somebody relies on, each with the confirmation of replicas behind it (REDIS_WAIT_REPLICAS). */
import type { Facts } from '../../core/facts.ts';
import type { SessionId } from '../../core/session.ts';
import type { Beats, Memory, Turns } from '../../core/store.ts';
import { toStoreError } from './client.ts';
import type { Keyspace } from './keys.ts';
import type { SessionMemory } from './memory.ts';
import type { Replication } from './replication.ts';

/** @param turns over the connection of the replication */
export function confirmingTurns(
  turns: Turns,
  { confirmed }: Replication,
  keys: Keyspace,
): Pick<Turns, 'amend' | 'commit' | 'enqueue' | 'saveMessageRef'> {
  return {
    enqueue: (message, options) =>
      confirmed(async (touch) => {
        const result = await turns.enqueue(message, options);
        if (result.kind !== 'full') touch(keys.session(message.sessionId).list);
        return result;
      }),
    saveMessageRef: (lease, part, ref) =>
      confirmed((touch) => {
        touch(keys.session(lease.sessionId).list);
        return turns.saveMessageRef(lease, part, ref);
      }),
    commit: (lease, message, answer) =>
      confirmed((touch) => {
        touch(keys.session(lease.sessionId).list);
        return turns.commit(lease, message, answer);
      }),
    amend: (sessionId, source, text, editedAt, attachments) =>
      confirmed((touch) => {
        touch(keys.session(sessionId).list);
        return turns.amend(sessionId, source, text, editedAt, attachments);
      }),
  };
}

/** The sign of life itself is not delayed, and the turns go on; /health tells. */
export function confirmingBeats(beats: Beats, { confirmed }: Replication, keys: Keyspace): Beats {
  return {
    ...beats,
    async renew(incarnation, listing) {
      const outcome = await beats.renew(incarnation, listing);
      if (outcome !== 'renewed') return outcome;
      try {
        return await confirmed(async (touch) => {
          touch(keys.pending);
          return outcome;
        });
      } catch (thrown) {
        return { refused: toStoreError(thrown) };
      }
    },
  };
}

/**
 * What is erased, and how long the rest lives: on a replica that is promoted it would be there again.
 * @param memory over the connection of the replication
 */
export function confirmingMemory(
  memory: SessionMemory,
  { confirmed }: Replication,
  keys: Keyspace,
): Pick<SessionMemory, 'forget' | 'removeTurns' | 'setTtl'> {
  return {
    forget: (id) =>
      confirmed((touch) => {
        touch(keys.session(id).list);
        return memory.forget(id);
      }),
    removeTurns: (id, selector) =>
      confirmed((touch) => {
        touch(keys.session(id).list);
        return memory.removeTurns(id, selector);
      }),
    setTtl: (id, seconds, options) =>
      confirmed((touch) => {
        touch(keys.session(id).list);
        return memory.setTtl(id, seconds, options);
      }),
  };
}

/** Facts, told and removed. @param facts over the connection of the replication */
export function confirmingFacts(facts: Facts, { confirmed }: Replication, keys: Keyspace): Facts {
  const at = <Result>(base: SessionId, call: () => Promise<Result>) =>
    confirmed((touch) => {
      touch(keys.session(base).list);
      return call();
    });
  return {
    list: facts.list,
    keep: (base, person, fact) => at(base, () => facts.keep(base, person, fact)),
    propose: (base, person, fact) => at(base, () => facts.propose(base, person, fact)),
    confirm: (base, id) => at(base, () => facts.confirm(base, id)),
    remove: (base, id) => at(base, () => facts.remove(base, id)),
    removeAll: (base) => at(base, () => facts.removeAll(base)),
  };
}

/** @param erase is given a function that it tells of a key in each slot that it wrote to */
export function confirmingErase(
  erase: (touch: (key: string) => void) => Memory['erase'],
  { confirmed }: Replication,
): Memory['erase'] {
  return (whose, options) => confirmed((touch) => erase(touch)(whose, options));
}
