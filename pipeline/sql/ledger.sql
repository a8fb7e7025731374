The ledger: the memory of one store. Instants are ISO texts in UTC, slice borders ISO texts in local wall time.

-- name: create
CREATE TABLE store (
  ledger_id TEXT NOT NULL,
  rehearsal INTEGER NOT NULL,   -- born under --now: commands that write may be given one
  created_at TEXT NOT NULL,
  last_landing INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE tables (
  name TEXT PRIMARY KEY,
  report TEXT NOT NULL,         -- the report or family table that owns it; a slice names this one
  meaning TEXT NOT NULL,
  key TEXT NOT NULL,
  partition TEXT NOT NULL,
  columns TEXT NOT NULL
);
CREATE TABLE reports (
  name TEXT PRIMARY KEY,
  grain TEXT NOT NULL,
  definition TEXT NOT NULL
);
CREATE TABLE slices (
  table_name TEXT NOT NULL,
  scope TEXT NOT NULL,
  slice_start TEXT NOT NULL,    -- '' for objects
  slice_end TEXT NOT NULL,
  time_zone TEXT NOT NULL,
  state TEXT NOT NULL,
  rows INTEGER NOT NULL,
  as_of TEXT,
  fetched_at TEXT,
  run_id TEXT NOT NULL,
  definition TEXT NOT NULL,
  reason TEXT NOT NULL,
  attempts INTEGER NOT NULL,
  place TEXT,                   -- NULL while nothing has landed
  landing INTEGER,              -- the number under which its present files landed
  PRIMARY KEY (table_name, scope, slice_start)
) WITHOUT ROWID;
CREATE INDEX slices_by_landing ON slices (landing);
CREATE TABLE files (
  path TEXT PRIMARY KEY,
  table_name TEXT NOT NULL,     -- the slice's
  scope TEXT NOT NULL,
  slice_start TEXT NOT NULL,
  file_table TEXT NOT NULL,     -- the table whose rows it holds
  rows INTEGER NOT NULL,
  fingerprint TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX files_by_slice ON files (table_name, scope, slice_start);
CREATE TABLE landings (         -- slices between their temporary files and their place
  id INTEGER PRIMARY KEY,
  slice TEXT NOT NULL
);
CREATE TABLE publication (      -- what the published file must look like to be copied; two rows while one is replaced
  inode INTEGER NOT NULL,
  size INTEGER NOT NULL,
  mtime_ns INTEGER NOT NULL
);
CREATE TABLE runs (
  run_id TEXT PRIMARY KEY,
  command TEXT NOT NULL,
  started_at TEXT NOT NULL,
  finished_at TEXT,
  outcome TEXT NOT NULL,
  summary TEXT NOT NULL
);
CREATE TABLE report_runs (
  report_run_id TEXT PRIMARY KEY,
  table_name TEXT NOT NULL,
  scope TEXT NOT NULL,
  slice_start TEXT NOT NULL,
  slice_end TEXT NOT NULL,
  submitted_at TEXT NOT NULL,
  state TEXT NOT NULL,
  percent INTEGER NOT NULL DEFAULT 0,
  finished_at TEXT,
  rows INTEGER,
  reason TEXT NOT NULL DEFAULT '',
  definition TEXT NOT NULL,
  run_id TEXT NOT NULL
);
CREATE TABLE accounts (
  account_id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  time_zone TEXT NOT NULL,
  currency TEXT NOT NULL,
  seen_at TEXT NOT NULL
);
CREATE TABLE businesses (       -- which accounts a business had when it was last asked
  business_id TEXT NOT NULL,
  account_id TEXT NOT NULL,
  asked_at TEXT NOT NULL,
  PRIMARY KEY (business_id, account_id)
);
CREATE TABLE deadlines (
  quota TEXT PRIMARY KEY,
  until TEXT NOT NULL
);
CREATE TABLE notes (            -- small memories by name: learned sizes, when archived objects were last read in full
  name TEXT PRIMARY KEY,
  value TEXT NOT NULL
);
CREATE TABLE missing_objects (
  account_id TEXT NOT NULL,
  kind TEXT NOT NULL,
  id TEXT NOT NULL,
  reason TEXT NOT NULL,
  code INTEGER,
  subcode INTEGER,
  first_missed_at TEXT NOT NULL,
  last_tried_at TEXT NOT NULL,
  tries INTEGER NOT NULL,
  PRIMARY KEY (kind, id)
);

-- name: requests_come
CREATE TABLE IF NOT EXISTS requests (  -- what others ask of the process that holds the store
  id INTEGER PRIMARY KEY,
  command TEXT NOT NULL,
  choice TEXT NOT NULL,
  asked_at TEXT NOT NULL,
  doing TEXT NOT NULL DEFAULT '{}',   -- how far it is
  finished_at TEXT,
  outcome TEXT NOT NULL DEFAULT 'waiting'
);

-- name: ages_come
CREATE INDEX IF NOT EXISTS slices_by_age ON slices (  -- minutes from a slice's end to its last reading
  table_name, scope,
  (CASE WHEN state IN ('landed', 'empty', 'partial', 'unknown') THEN CAST((julianday(as_of) - julianday(slice_end)) * 1440 AS INTEGER) END),
  as_of);
-- name: additions
CREATE TABLE IF NOT EXISTS standing (         -- how many slices stand in which state; kept by the triggers below
  table_name TEXT NOT NULL,
  scope TEXT NOT NULL,
  state TEXT NOT NULL,
  slices INTEGER NOT NULL,
  rows INTEGER NOT NULL,
  asked_at TEXT NOT NULL,                     -- the newest as_of; '' while nothing landed
  PRIMARY KEY (table_name, scope, state)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS standing_days (    -- the same over all scopes, by the day on which the slice starts
  table_name TEXT NOT NULL,
  day TEXT NOT NULL,
  state TEXT NOT NULL,
  slices INTEGER NOT NULL,
  PRIMARY KEY (table_name, day, state)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS quota_readings (   -- utilisations as headers told them, sparse, of the last two days
  quota TEXT NOT NULL,
  read_at TEXT NOT NULL,
  utilisation REAL NOT NULL,                  -- percent
  PRIMARY KEY (quota, read_at)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS run_progress (     -- how far each run has come, written down while it goes
  run_id TEXT PRIMARY KEY,
  saved_at TEXT NOT NULL,
  progress TEXT NOT NULL
) WITHOUT ROWID;

CREATE INDEX IF NOT EXISTS report_runs_by_slice ON report_runs (table_name, scope, slice_start);

CREATE TRIGGER IF NOT EXISTS slice_comes AFTER INSERT ON slices BEGIN
  INSERT INTO standing VALUES (new.table_name, new.scope, new.state, 1, new.rows, ifnull(new.as_of, ''))
  ON CONFLICT DO UPDATE SET
    slices = slices + 1, rows = rows + excluded.rows, asked_at = max(asked_at, excluded.asked_at);
  INSERT INTO standing_days VALUES (new.table_name, substr(new.slice_start, 1, 10), new.state, 1)
  ON CONFLICT DO UPDATE SET slices = slices + 1;
END;

CREATE TRIGGER IF NOT EXISTS slice_goes AFTER DELETE ON slices BEGIN
  UPDATE standing SET slices = slices - 1, rows = rows - old.rows
  WHERE table_name = old.table_name AND scope = old.scope AND state = old.state;
  UPDATE standing_days SET slices = slices - 1
  WHERE table_name = old.table_name AND day = substr(old.slice_start, 1, 10) AND state = old.state;
END;

CREATE TRIGGER IF NOT EXISTS slice_changes AFTER UPDATE OF state, rows, as_of ON slices BEGIN
  UPDATE standing SET slices = slices - 1, rows = rows - old.rows
  WHERE table_name = old.table_name AND scope = old.scope AND state = old.state;
  UPDATE standing_days SET slices = slices - 1
  WHERE table_name = old.table_name AND day = substr(old.slice_start, 1, 10) AND state = old.state;
  INSERT INTO standing VALUES (new.table_name, new.scope, new.state, 1, new.rows, ifnull(new.as_of, ''))
  ON CONFLICT DO UPDATE SET
    slices = slices + 1, rows = rows + excluded.rows, asked_at = max(asked_at, excluded.asked_at);
  INSERT INTO standing_days VALUES (new.table_name, substr(new.slice_start, 1, 10), new.state, 1)
  ON CONFLICT DO UPDATE SET slices = slices + 1;
END;

-- name: has_additions
SELECT count(*) AS found FROM sqlite_master WHERE name = 'slice_changes';

-- name: count_standing
INSERT INTO standing
SELECT table_name, scope, state, count(*), sum(rows), max(ifnull(as_of, '')) FROM slices GROUP BY 1, 2, 3;

-- name: count_standing_days
INSERT INTO standing_days SELECT table_name, substr(slice_start, 1, 10), state, count(*) FROM slices GROUP BY 1, 2, 3;

-- name: born
INSERT INTO store (ledger_id, rehearsal, created_at) VALUES (:ledger_id, :rehearsal, :created_at);

-- name: store
SELECT ledger_id, rehearsal, created_at, last_landing FROM store;

-- name: next_landing
UPDATE store SET last_landing = last_landing + 1 RETURNING last_landing;

-- name: tables
SELECT name, report, meaning, key, partition, columns FROM tables ORDER BY rowid;

-- name: save_table
INSERT INTO tables VALUES (:name, :report, :meaning, :key, :partition, :columns)
ON CONFLICT (name) DO UPDATE SET meaning = :meaning, key = :key, columns = :columns;

-- name: report
SELECT grain, definition FROM reports WHERE name = :name;

-- name: reports
SELECT name, grain, definition FROM reports;

-- name: save_report
INSERT INTO reports VALUES (:name, :grain, :definition)
ON CONFLICT (name) DO UPDATE SET grain = :grain, definition = :definition;

-- name: slices_of
SELECT * FROM slices WHERE table_name = :table AND scope = :scope;

-- name: outline
SELECT count(*) AS slices, min(slice_start) AS first, max(slice_start) AS last, max(as_of) AS as_of
FROM slices INDEXED BY slices_by_age WHERE table_name = :table AND scope = :scope;

-- name: young
SELECT slice_start, slice_end, state, rows, as_of, fetched_at, definition, reason
FROM slices INDEXED BY slices_by_age
WHERE table_name = :table AND scope = :scope
  AND CASE WHEN state IN ('landed', 'empty', 'partial', 'unknown') THEN CAST((julianday(as_of) - julianday(slice_end)) * 1440 AS INTEGER) END <= :minutes
  AND as_of < :before
UNION ALL
SELECT slice_start, slice_end, state, rows, as_of, fetched_at, definition, reason
FROM slices INDEXED BY slices_by_age
WHERE table_name = :table AND scope = :scope
  AND CASE WHEN state IN ('landed', 'empty', 'partial', 'unknown') THEN CAST((julianday(as_of) - julianday(slice_end)) * 1440 AS INTEGER) END IS NULL;

-- name: slices
SELECT * FROM slices ORDER BY table_name, scope, slice_start;

-- name: slice
SELECT * FROM slices WHERE table_name = :table AND scope = :scope AND slice_start = :start;

-- name: files_of
SELECT path, file_table, rows, fingerprint FROM files
WHERE table_name = :table AND scope = :scope AND slice_start = :start;

-- name: files_of_table
SELECT path, file_table, rows, fingerprint FROM files WHERE table_name = :table;

-- name: begin_landing
INSERT INTO landings (slice) VALUES (:slice) RETURNING id;

-- name: supersede_landing
DELETE FROM landings
WHERE slice ->> '$.record.table' = :table AND slice ->> '$.record.scope' = :scope AND slice ->> '$.record.start' = :start;

-- name: landings
SELECT id, slice FROM landings ORDER BY id;

-- name: end_landing
DELETE FROM landings WHERE id = :id;

-- name: save_slice
INSERT INTO slices VALUES (
  :table, :scope, :start, :end, :time_zone, :state, :rows, :as_of, :fetched_at, :run_id, :definition, :reason,
  :attempts, :place, :landing)
ON CONFLICT (table_name, scope, slice_start) DO UPDATE SET
  slice_end = :end, time_zone = :time_zone, state = :state, rows = :rows, as_of = :as_of, fetched_at = :fetched_at,
  run_id = :run_id, definition = :definition, reason = :reason, attempts = :attempts,
  place = :place, landing = :landing;

-- name: touch_slice
UPDATE slices SET as_of = :as_of, reason = :reason, attempts = 0, slice_end = :end
WHERE table_name = :table AND scope = :scope AND slice_start = :start;

-- name: fail_slice
INSERT INTO slices VALUES (
  :table, :scope, :start, :end, :time_zone, :state, 0, NULL, NULL, :run_id, :definition, :reason, 1, NULL, NULL)
ON CONFLICT (table_name, scope, slice_start) DO UPDATE SET
  state = :state, reason = :reason, attempts = attempts + 1, run_id = :run_id;

-- name: forget_slice
DELETE FROM slices WHERE table_name = :table AND scope = :scope AND slice_start = :start;

-- name: forget_as_of
UPDATE slices SET as_of = NULL WHERE table_name = :table AND scope = :scope AND slice_start = :start;

-- name: forget_files
DELETE FROM files WHERE table_name = :table AND scope = :scope AND slice_start = :start;

-- name: save_file
INSERT OR REPLACE INTO files VALUES (:path, :table, :scope, :start, :file_table, :rows, :fingerprint);

-- name: landed_after
SELECT * FROM slices WHERE landing > :number ORDER BY landing;

-- name: files
SELECT path, table_name, scope, slice_start, file_table, rows, fingerprint FROM files ORDER BY path;

-- name: files_of_days
SELECT path FROM files WHERE slice_start >= :since;

-- name: days
SELECT min(slice_start) AS first, max(slice_start) AS last FROM files WHERE slice_start <> '';

-- name: publications
SELECT inode, size, mtime_ns FROM publication;

-- name: forget_publications
DELETE FROM publication;

-- name: save_publication
INSERT INTO publication VALUES (:inode, :size, :mtime_ns);

-- name: begin_run
INSERT INTO runs VALUES (:run_id, :command, :started_at, NULL, 'running', '{}');

-- name: end_run
UPDATE runs SET finished_at = :finished_at, outcome = :outcome, summary = :summary WHERE run_id = :run_id;

-- name: runs
SELECT * FROM runs ORDER BY started_at;

-- name: states
SELECT table_name, scope, state, count(*) AS slices, sum(rows) AS rows, max(as_of) AS as_of FROM slices
GROUP BY table_name, scope, state;

-- name: failures
SELECT table_name, scope, count(*) AS slices, min(slice_start) AS first, max(slice_start) AS newest, reason FROM slices
WHERE state = 'failed' GROUP BY table_name, scope;

-- name: last_runs
SELECT command, started_at, outcome, ifnull(summary ->> '$.failures[#-1].error', '') AS reason FROM runs
WHERE rowid IN (SELECT max(rowid) FROM runs WHERE outcome NOT IN ('running', 'interrupted') GROUP BY command);

-- name: make_request
INSERT INTO requests (command, choice, asked_at) VALUES (:command, :choice, :asked_at) RETURNING id;

-- name: requests
SELECT * FROM requests ORDER BY id;

-- name: request_is_at
UPDATE requests SET doing = :doing, outcome = 'running' WHERE id = :id;

-- name: end_request
UPDATE requests SET outcome = :outcome, finished_at = :finished_at WHERE id = :id;
-- name: recent_runs
SELECT runs.*, run_progress.saved_at, run_progress.progress FROM runs LEFT JOIN run_progress USING (run_id)
ORDER BY started_at DESC LIMIT :most;

-- name: run
SELECT * FROM runs WHERE run_id = :run_id;

-- name: save_progress
INSERT OR REPLACE INTO run_progress VALUES (:run_id, :saved_at, :progress);

-- name: save_reading
INSERT OR REPLACE INTO quota_readings VALUES (:quota, :read_at, :utilisation);

-- name: forget_readings
DELETE FROM quota_readings WHERE read_at < :before;

-- name: readings
SELECT quota, read_at, utilisation FROM quota_readings
WHERE quota BETWEEN :first AND :last AND read_at >= :since ORDER BY quota, read_at;

-- name: quota_peaks
SELECT quota, max(utilisation) AS peak FROM quota_readings WHERE read_at >= :since GROUP BY quota
ORDER BY peak DESC, quota;

-- name: scopes
SELECT DISTINCT table_name, scope FROM slices;

-- name: standing
SELECT table_name, scope, state, slices, rows, asked_at FROM standing
WHERE slices > 0 AND (:owner IS NULL OR scope = :owner OR substr(scope, 1, length(:owner) + 1) = :owner || '/')
ORDER BY table_name, scope, state;

-- name: standing_days
SELECT table_name, day, state, slices FROM standing_days
WHERE slices > 0 AND day > '' AND (:table IS NULL OR table_name = :table);

-- name: landed_until
SELECT max(slice_start) AS newest FROM (
  SELECT slice_start FROM slices
  WHERE table_name = :table AND scope = :scope AND state IN ('landed', 'empty', 'partial', 'unknown')
  ORDER BY slice_start DESC LIMIT 1);

-- name: slices_from
SELECT * FROM slices
WHERE table_name = :table AND scope = :scope AND slice_start >= :start AND slice_start < :end ORDER BY slice_start;

-- name: newest_in_state
SELECT * FROM slices WHERE table_name = :table AND scope = :scope AND state = :state ORDER BY slice_start DESC LIMIT 1;

-- name: submitted
INSERT OR REPLACE INTO report_runs (
  report_run_id, table_name, scope, slice_start, slice_end, submitted_at, state, definition, run_id)
VALUES (:report_run_id, :table, :scope, :start, :end, :submitted_at, 'submitted', :definition, :run_id);

-- name: report_run
UPDATE report_runs SET state = :state, percent = :percent, finished_at = :finished_at, rows = :rows, reason = :reason
WHERE report_run_id = :report_run_id;

-- name: report_runs
SELECT * FROM report_runs ORDER BY submitted_at, report_run_id;

-- name: report_runs_of
SELECT * FROM report_runs
WHERE table_name = :table AND scope = :scope AND slice_start <= :start AND slice_end > :start
ORDER BY submitted_at DESC LIMIT :most;

-- name: live_report_runs
SELECT * FROM report_runs WHERE state = 'submitted' AND submitted_at > :since ORDER BY submitted_at;

-- name: old_report_runs
SELECT * FROM report_runs WHERE state = 'submitted' AND submitted_at <= :since ORDER BY submitted_at;

-- name: accounts
SELECT * FROM accounts ORDER BY account_id;

-- name: save_account
INSERT OR REPLACE INTO accounts VALUES (:account_id, :name, :time_zone, :currency, :seen_at);

-- name: business_accounts
SELECT account_id, asked_at FROM businesses WHERE business_id = :business_id AND account_id <> '' ORDER BY account_id;

-- name: business_asked
SELECT max(asked_at) AS asked_at FROM businesses WHERE business_id = :business_id;

-- name: save_business_account
INSERT OR REPLACE INTO businesses VALUES (:business_id, :account_id, :asked_at);

-- name: deadlines
SELECT quota, until FROM deadlines;

-- name: save_deadline
INSERT OR REPLACE INTO deadlines VALUES (:quota, :until);

-- name: note
SELECT value FROM notes WHERE name = :name;

-- name: save_note
INSERT OR REPLACE INTO notes VALUES (:name, :value);

-- name: missing
SELECT * FROM missing_objects ORDER BY account_id, kind, id;

-- name: save_missing
INSERT INTO missing_objects VALUES (:account_id, :kind, :id, :reason, :code, :subcode, :at, :at, 1)
ON CONFLICT (kind, id) DO UPDATE SET
  reason = :reason, code = :code, subcode = :subcode, last_tried_at = :at, tries = tries + 1;

-- name: found
DELETE FROM missing_objects WHERE kind = :kind AND id = :id;

-- name: drop_table_rows
DELETE FROM tables WHERE report = :report;

-- name: drop_report
DELETE FROM reports WHERE name = :report;

-- name: drop_slices
DELETE FROM slices WHERE table_name = :report;

-- name: drop_files
DELETE FROM files WHERE table_name = :report;

-- name: drop_runs
DELETE FROM report_runs WHERE table_name = :report;

-- name: drop_account_slices
DELETE FROM slices WHERE scope = :account OR scope LIKE :account || '/%';

-- name: drop_account_files
DELETE FROM files WHERE scope = :account OR scope LIKE :account || '/%';

-- name: drop_account_runs
DELETE FROM report_runs WHERE scope = :account OR scope LIKE :account || '/%';

-- name: drop_account
DELETE FROM accounts WHERE account_id = :account;

-- name: drop_account_missing
DELETE FROM missing_objects WHERE account_id = :account;
