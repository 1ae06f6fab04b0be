/**
 * The tables of the embedded store, as steps from an empty file to the newest version. A step that was released is never
 * changed: a change is a new step. Instants are Unix milliseconds, unless the column says microseconds.
 *
 * Whatever people or platforms type is stored as JSON text (ids in it too), because it may hold a NUL, at which the SQLite
 * binding would cut it. Session ids, persons and turn ids are encoded already and stored as they are.
 */
/** The platform's id of the person's message, as JSON; null where the element cannot be read. An index has it. */
export const SOURCE = "(CASE WHEN json_valid(element) THEN element -> '$.source' END)";

export const MIGRATIONS: readonly string[] = [
  `
  -- What is remembered of a conversation. There is a row exactly while there are messages.
  CREATE TABLE conversation (
    session    TEXT    NOT NULL PRIMARY KEY,
    messages   INTEGER NOT NULL,  -- rows of it in table message, bad ones included
    turns      INTEGER NOT NULL,
    tokens     INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX conversation_expiry ON conversation (expires_at);

  -- One half of a turn each, in the order of id.
  CREATE TABLE message (
    id      INTEGER PRIMARY KEY,
    session TEXT NOT NULL,
    element TEXT NOT NULL         -- ChatMessage, JSON
  ) STRICT;
  CREATE INDEX message_session ON message (session, id);

  -- Messages that wait or are being answered, in the order of seq.
  CREATE TABLE inbox (
    seq     INTEGER PRIMARY KEY AUTOINCREMENT,
    session TEXT NOT NULL,
    element TEXT NOT NULL         -- IncomingMessage, JSON
  ) STRICT;
  CREATE INDEX inbox_session ON inbox (session, seq);

  -- What outlives both, of a conversation: its generation, its fence, its pending note.
  CREATE TABLE progress (
    session          TEXT    NOT NULL PRIMARY KEY,
    generation       INTEGER NOT NULL,
    fence            INTEGER NOT NULL,
    pending_since_us INTEGER,           -- microseconds, no two alike; null while nothing waits
    inbox_expires_at INTEGER NOT NULL,
    expires_at       INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE UNIQUE INDEX progress_pending ON progress (pending_since_us) WHERE pending_since_us IS NOT NULL;
  CREATE INDEX progress_inbox_expiry ON progress (inbox_expires_at) WHERE pending_since_us IS NOT NULL;
  CREATE INDEX progress_expiry ON progress (expires_at);

  CREATE TABLE turn (
    session        TEXT    NOT NULL,
    turn           TEXT    NOT NULL,
    generation     INTEGER NOT NULL,    -- of the conversation, when the message was offered
    state          TEXT    NOT NULL,
    attempt        INTEGER NOT NULL,
    takeovers      INTEGER NOT NULL,
    failures       INTEGER NOT NULL,
    started_at     INTEGER NOT NULL,    -- 0 before the first take
    stop_requested INTEGER NOT NULL,
    handles        TEXT    NOT NULL,    -- JSON, by part
    answer         TEXT,                -- JSON string
    stopped        INTEGER NOT NULL,
    outcome        TEXT,
    code           TEXT,
    expires_at     INTEGER NOT NULL,
    PRIMARY KEY (session, turn)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX turn_expiry ON turn (expires_at);

  CREATE TABLE seen (
    place      TEXT    NOT NULL,
    id         TEXT    NOT NULL,        -- idempotency key, JSON string
    session    TEXT    NOT NULL,
    turn       TEXT    NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (place, id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX seen_expiry ON seen (expires_at);

  -- A person's own choice of a TTL. \`person\` is whose conversation it is, null for one that people share.
  CREATE TABLE choice (
    session    TEXT    NOT NULL PRIMARY KEY,
    person     TEXT,
    seconds    INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX choice_person ON choice (person) WHERE person IS NOT NULL;
  CREATE INDEX choice_expiry ON choice (expires_at);

  -- Who has offered a message in which conversation; kept while the conversation lives or a message waits in it.
  CREATE TABLE participant (
    person  TEXT NOT NULL,
    session TEXT NOT NULL,
    PRIMARY KEY (person, session)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX participant_session ON participant (session);

  CREATE TABLE day (
    date   TEXT    NOT NULL PRIMARY KEY, -- UTC, yyyy-mm-dd
    turns  INTEGER NOT NULL,
    tokens INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE claim (
    name     TEXT    NOT NULL PRIMARY KEY,
    until_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- Channels to be caught up on after an outage, by a platform's own order of messages.
  CREATE TABLE channel (
    platform   TEXT    NOT NULL,
    id         TEXT    NOT NULL,  -- JSON string
    about      TEXT    NOT NULL,  -- JSON
    cursor     TEXT    NOT NULL,  -- 20 digits
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (platform, id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX channel_expiry ON channel (expires_at);
  `,
  `
  CREATE TABLE note (
    place      TEXT    NOT NULL,
    name       TEXT    NOT NULL,  -- JSON string
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (place, name)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX note_expiry ON note (expires_at);
  `,
  `
  -- Why an answer was cut off.
  ALTER TABLE turn ADD COLUMN cut TEXT;
  `,
  `
  -- A note is about a place or about a conversation, with which it goes; until now those were of places, by their name.
  ALTER TABLE note RENAME COLUMN place TO about;
  UPDATE OR REPLACE note SET about = substr(name, 9, length(name) - 9), name = '"followed"' WHERE name LIKE '"follow:{%';
  `,
  `
  -- Who runs a turn, instead of a number that rises with each claim; and when to look at what waits, instead of since when it does.
  ALTER TABLE turn ADD COLUMN owner TEXT;
  ALTER TABLE progress DROP COLUMN fence;
  DROP INDEX progress_pending;
  ALTER TABLE progress RENAME COLUMN pending_since_us TO due_us;
  CREATE INDEX progress_due ON progress (due_us) WHERE due_us IS NOT NULL;
  DROP TABLE claim;
  -- Written now and then to find out whether the store takes anything.
  CREATE TABLE beat (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    at INTEGER NOT NULL
  ) STRICT;
  `,
  `
  -- What people told the bot to keep. \`session\` is the conversation outside any thread.
  CREATE TABLE fact (
    session    TEXT    NOT NULL,
    id         TEXT    NOT NULL,
    person     TEXT    NOT NULL,
    text       TEXT    NOT NULL,  -- JSON string
    said_at    INTEGER NOT NULL,
    proposed   INTEGER NOT NULL,  -- 1 until it is confirmed
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (session, id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX fact_person ON fact (person);
  CREATE INDEX fact_expiry ON fact (expires_at);
  `,
  `
  -- Bytes of its elements, and how many messages those are. Null, or not as many as there are: it is counted with its next turn.
  ALTER TABLE conversation ADD COLUMN bytes INTEGER;
  ALTER TABLE conversation ADD COLUMN sized INTEGER;
  `,
  `
  -- By the id of the person's message, as JSON. It is found by this expression alone.
  CREATE INDEX message_source ON message (${SOURCE});
  `,
  `
  -- Files that the answer was made without, as JSON.
  ALTER TABLE turn ADD COLUMN unread TEXT;
  `,
];

/** Which steps were taken, and when; made before the first of them. */
export const MIGRATION_TABLE = `
  CREATE TABLE IF NOT EXISTS migration (
    version    INTEGER NOT NULL PRIMARY KEY,
    applied_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
`;
