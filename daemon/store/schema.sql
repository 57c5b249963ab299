-- Schema of the store. Sections begin with "-- version N" and are run in order on files of an
-- earlier version, after a copy. A section that was released is never changed.
-- Times are microseconds since 1970 UTC; numbers of enums are those of the headers.
-- version 1
CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
);
CREATE TABLE connection (
    name     TEXT PRIMARY KEY,
    cursor   TEXT NOT NULL,
    walk     BIGINT NOT NULL,
    walking  BIGINT NOT NULL,
    seen     BIGINT NOT NULL,
    expected BIGINT NOT NULL,
    started  BIGINT NOT NULL,
    ended    BIGINT NOT NULL,
    note     TEXT
);
CREATE TABLE item (
    id            INTEGER PRIMARY KEY,
    connection    TEXT NOT NULL,
    key           TEXT NOT NULL,
    path          TEXT NOT NULL,
    version       TEXT NOT NULL,
    size          BIGINT NOT NULL,
    owner         TEXT,
    exposure      BIGINT NOT NULL,
    sharing_known BIGINT NOT NULL,
    shared_with   TEXT NOT NULL,
    exposure_why  TEXT,
    status        BIGINT NOT NULL,
    reason        TEXT NOT NULL,
    format        BIGINT NOT NULL,
    mime          TEXT NOT NULL,
    findings      BIGINT NOT NULL,
    label_kind    BIGINT NOT NULL,
    label_id      TEXT,
    foreign_label BIGINT NOT NULL,
    set_by        BIGINT NOT NULL,
    label_change  BIGINT NOT NULL,
    previous_id   TEXT,
    created       BIGINT,
    modified      BIGINT,
    shared        BIGINT,
    types_digest  BLOB,
    text_digest   BLOB,
    sha256        BLOB,
    own_version   BIGINT NOT NULL,
    outcome       TEXT NOT NULL,
    code          TEXT,
    message       TEXT,
    revision      TEXT,
    examined      BIGINT NOT NULL,
    decided       BIGINT NOT NULL,
    due           BIGINT,
    walk          BIGINT NOT NULL,
    deleted       BIGINT,
    UNIQUE (connection, key)
);
CREATE INDEX item_path ON item (path, id);
CREATE INDEX item_walk ON item (connection, walk, id);
CREATE INDEX item_due ON item (due) WHERE due IS NOT NULL;
CREATE INDEX item_label ON item (label_id, id);
CREATE TABLE finding (
    item          BIGINT NOT NULL,
    type          TEXT NOT NULL,
    low_unique    BIGINT NOT NULL,
    low_count     BIGINT NOT NULL,
    medium_unique BIGINT NOT NULL,
    medium_count  BIGINT NOT NULL,
    high_unique   BIGINT NOT NULL,
    high_count    BIGINT NOT NULL,
    PRIMARY KEY (item, type)
) WITHOUT ROWID;
CREATE INDEX finding_type ON finding (type, item);
CREATE TABLE report (
    item BIGINT PRIMARY KEY,
    body TEXT NOT NULL
);
CREATE TABLE decision (
    item     BIGINT PRIMARY KEY,
    revision TEXT NOT NULL,
    at       BIGINT NOT NULL,
    body     TEXT NOT NULL
);
CREATE TABLE item_rule (
    item  BIGINT NOT NULL,
    rule  TEXT NOT NULL,
    state TEXT NOT NULL,
    PRIMARY KEY (item, rule)
) WITHOUT ROWID;
CREATE INDEX item_rule_rule ON item_rule (rule, state, item);
CREATE TABLE tag (
    item BIGINT NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (item, name)
) WITHOUT ROWID;
CREATE INDEX tag_name ON tag (name, item);
CREATE TABLE job (
    id         INTEGER PRIMARY KEY AUTOINCREMENT, -- never used twice
    kind       BIGINT NOT NULL,
    connection TEXT NOT NULL,
    key        TEXT NOT NULL,
    lane       BIGINT NOT NULL,
    state      BIGINT NOT NULL,
    due        BIGINT NOT NULL,
    seen       BIGINT NOT NULL,
    attempt    BIGINT NOT NULL,
    conflicts  BIGINT NOT NULL,
    again      BIGINT NOT NULL,
    force      BIGINT NOT NULL,
    error      TEXT,
    UNIQUE (kind, connection, key)
);
CREATE INDEX job_open ON job (state, lane, connection, due, id);
CREATE INDEX job_due ON job (state, due);
CREATE TABLE intent (
    id          INTEGER PRIMARY KEY,
    item        BIGINT NOT NULL,
    job         BIGINT NOT NULL,
    connection  TEXT NOT NULL,
    key         TEXT NOT NULL,
    body        TEXT NOT NULL,
    old_version TEXT NOT NULL,
    new_version TEXT NOT NULL,
    label_id    TEXT,
    set_date    TEXT NOT NULL,
    action_id   TEXT NOT NULL,
    placed      BIGINT NOT NULL
);
CREATE TABLE audit (
    chain BIGINT NOT NULL,
    seq   BIGINT NOT NULL,
    item  BIGINT NOT NULL,
    body  TEXT NOT NULL,
    hash  TEXT NOT NULL,
    PRIMARY KEY (chain, seq)
) WITHOUT ROWID;
CREATE INDEX audit_item ON audit (item, seq) WHERE item <> 0;
-- version 2
ALTER TABLE job ADD COLUMN claim BIGINT NOT NULL DEFAULT 0; -- whose work is kept; see jobs/claims
ALTER TABLE item ADD COLUMN todo BIGINT NOT NULL DEFAULT 0;
ALTER TABLE job ADD COLUMN version BIGINT NOT NULL DEFAULT 1;
CREATE INDEX item_todo ON item (id) WHERE todo <> 0;
ALTER TABLE item ADD COLUMN label_site TEXT; -- the tenant whose label the columns tell of
-- What rules ask of a report, as narrow rows; those of version 1 are examined again.
DROP TABLE finding;
CREATE TABLE finding (
    item          BIGINT NOT NULL,
    parent        TEXT NOT NULL, -- '' = a finding; else the finding that it is a variant of
    type          TEXT NOT NULL,
    low_unique    BIGINT NOT NULL,
    low_count     BIGINT NOT NULL,
    medium_unique BIGINT NOT NULL,
    medium_count  BIGINT NOT NULL,
    high_unique   BIGINT NOT NULL,
    high_count    BIGINT NOT NULL,
    more          BIGINT NOT NULL, -- 1, 2, 4: low, medium, high is "at least"
    PRIMARY KEY (item, parent, type)
) WITHOUT ROWID;
CREATE INDEX finding_type ON finding (type, item);
CREATE TABLE property (
    item   BIGINT NOT NULL,
    number BIGINT NOT NULL,
    name   TEXT NOT NULL,
    value  TEXT NOT NULL,
    PRIMARY KEY (item, number)
) WITHOUT ROWID;
UPDATE item SET types_digest = NULL;
CREATE TABLE revision (
    number INTEGER PRIMARY KEY AUTOINCREMENT, -- never used twice
    digest TEXT NOT NULL,
    origin BIGINT NOT NULL,
    author TEXT NOT NULL,
    at     BIGINT NOT NULL,
    body   TEXT NOT NULL,
    applied BIGINT NOT NULL DEFAULT 0 -- when the brake had looked at it; 0 = it has not yet
);
-- Rules that the brake has stopped, and what people said to it.
CREATE TABLE brake (
    rule    TEXT PRIMARY KEY,
    digest  TEXT NOT NULL,
    state   BIGINT NOT NULL,
    running BIGINT NOT NULL,
    counted BIGINT NOT NULL,
    granted BIGINT NOT NULL,
    left_   BIGINT NOT NULL,
    again   BIGINT NOT NULL,
    since   BIGINT NOT NULL,
    who     TEXT NOT NULL
);
CREATE TABLE hurt (
    rule   TEXT NOT NULL,
    minute BIGINT NOT NULL,
    items  BIGINT NOT NULL,
    PRIMARY KEY (rule, minute)
) WITHOUT ROWID;
CREATE TABLE entry (
    id                INTEGER PRIMARY KEY AUTOINCREMENT, -- never used twice
    kind              BIGINT NOT NULL,
    state             BIGINT NOT NULL,
    version           BIGINT NOT NULL,
    item              BIGINT NOT NULL,
    connection        TEXT NOT NULL,
    key               TEXT NOT NULL,
    path              TEXT NOT NULL,
    item_version      TEXT NOT NULL,
    size              BIGINT NOT NULL,
    format            BIGINT NOT NULL,
    status            BIGINT NOT NULL,
    sha256            BLOB NOT NULL,
    text_digest       BLOB NOT NULL,
    exposure          BIGINT NOT NULL,
    shared_with       TEXT NOT NULL,
    owner             TEXT,
    rules             TEXT NOT NULL,
    revision          TEXT NOT NULL,
    message           TEXT,
    alert_level       BIGINT NOT NULL,
    captured          TEXT NOT NULL,
    grants            TEXT NOT NULL, -- who reached the file before anything was done
    recipients        TEXT NOT NULL,
    intent            TEXT,
    made              TEXT,
    copy_key          TEXT,
    copy_version      TEXT,
    tombstone         TEXT,
    tombstone_version TEXT,
    sealed_size       BIGINT NOT NULL,
    created           BIGINT NOT NULL,
    changed           BIGINT NOT NULL,
    due               BIGINT,
    asked_by          TEXT,
    asked_why         TEXT,
    release_key       TEXT,
    result            TEXT,
    error             TEXT
);
CREATE INDEX entry_place ON entry (connection, key, state);
CREATE INDEX entry_state ON entry (state, id);
CREATE INDEX entry_item ON entry (item, id);
CREATE INDEX entry_text ON entry (connection, state, text_digest, id);
CREATE INDEX entry_tombstone ON entry (connection, tombstone) WHERE tombstone IS NOT NULL;
CREATE INDEX entry_copy ON entry (connection, copy_key) WHERE copy_key IS NOT NULL;
-- What people have stopped: all acting (scope ''), or the work of one connection.
CREATE TABLE hold (
    scope   TEXT PRIMARY KEY,
    since   BIGINT NOT NULL, -- 0 = it goes on; the row stays for its version
    who     TEXT NOT NULL,
    why     TEXT NOT NULL,
    version BIGINT NOT NULL
);
CREATE INDEX item_stopped ON item (id) WHERE outcome = 'stopped' AND revision IS NOT NULL;
-- How many items there are of each kind, kept by whatever changes one, so that nobody counts them:
-- found = with findings; stopped = waiting for acting to go on. Those that are gone do not count.
CREATE TABLE tally (
    connection TEXT NOT NULL,
    status     BIGINT NOT NULL,
    exposure   BIGINT NOT NULL,
    label      TEXT NOT NULL, -- '' = none
    items      BIGINT NOT NULL,
    found      BIGINT NOT NULL,
    stopped    BIGINT NOT NULL,
    PRIMARY KEY (connection, status, exposure, label)
) WITHOUT ROWID;
INSERT INTO tally
    SELECT connection, status, exposure, coalesce(label_id, ''), count(*), sum(findings > 0),
           sum(outcome = 'stopped' AND revision IS NOT NULL)
    FROM item WHERE deleted IS NULL GROUP BY 1, 2, 3, 4;
CREATE TRIGGER tally_new AFTER INSERT ON item WHEN NEW.deleted IS NULL BEGIN
    INSERT INTO tally VALUES (NEW.connection, NEW.status, NEW.exposure,
                              coalesce(NEW.label_id, ''), 1, NEW.findings > 0,
                              NEW.outcome = 'stopped' AND NEW.revision IS NOT NULL)
    ON CONFLICT DO UPDATE SET items = items + 1, found = found + excluded.found,
                              stopped = stopped + excluded.stopped;
END;
CREATE TRIGGER tally_changed
AFTER UPDATE OF connection, status, exposure, label_id, findings, outcome, revision, deleted ON item
WHEN OLD.connection <> NEW.connection OR OLD.status <> NEW.status OR
     OLD.exposure <> NEW.exposure OR OLD.label_id IS NOT NEW.label_id OR
     (OLD.findings > 0) <> (NEW.findings > 0) OR
     (OLD.deleted IS NULL) <> (NEW.deleted IS NULL) OR
     (OLD.outcome = 'stopped' AND OLD.revision IS NOT NULL) <>
     (NEW.outcome = 'stopped' AND NEW.revision IS NOT NULL)
BEGIN
    UPDATE tally
    SET items = items - 1, found = found - (OLD.findings > 0),
        stopped = stopped - (OLD.outcome = 'stopped' AND OLD.revision IS NOT NULL)
    WHERE OLD.deleted IS NULL AND connection = OLD.connection AND status = OLD.status AND
          exposure = OLD.exposure AND label = coalesce(OLD.label_id, '');
    INSERT INTO tally
    SELECT NEW.connection, NEW.status, NEW.exposure, coalesce(NEW.label_id, ''), 1,
           NEW.findings > 0, NEW.outcome = 'stopped' AND NEW.revision IS NOT NULL
    WHERE NEW.deleted IS NULL
    ON CONFLICT DO UPDATE SET items = items + 1, found = found + excluded.found,
                              stopped = stopped + excluded.stopped;
END;
CREATE TRIGGER tally_away AFTER DELETE ON item WHEN OLD.deleted IS NULL BEGIN
    UPDATE tally
    SET items = items - 1, found = found - (OLD.findings > 0),
        stopped = stopped - (OLD.outcome = 'stopped' AND OLD.revision IS NOT NULL)
    WHERE connection = OLD.connection AND status = OLD.status AND exposure = OLD.exposure AND
          label = coalesce(OLD.label_id, '');
END;
CREATE TABLE token (
    id      INTEGER PRIMARY KEY AUTOINCREMENT, -- never used twice
    hash    TEXT NOT NULL UNIQUE,
    name    TEXT NOT NULL UNIQUE,
    role    TEXT NOT NULL,
    made    BIGINT NOT NULL,
    made_by TEXT NOT NULL,
    used    BIGINT NOT NULL,
    version BIGINT NOT NULL DEFAULT 1
);
-- Sharing that was taken away, and whether a person wanted it back.
CREATE TABLE restriction (
    id           INTEGER PRIMARY KEY AUTOINCREMENT, -- never used twice
    state        BIGINT NOT NULL,
    item         BIGINT NOT NULL,
    connection   TEXT NOT NULL,
    key          TEXT NOT NULL,
    item_version TEXT NOT NULL,
    wanted       TEXT NOT NULL,
    rules        TEXT NOT NULL,
    revision     TEXT,
    body         TEXT NOT NULL,
    was          TEXT NOT NULL, -- grants before
    shared_with  TEXT NOT NULL, -- and whom they reached
    grants       TEXT NOT NULL, -- and as they were left
    before       BIGINT NOT NULL,
    after        BIGINT NOT NULL,
    created      BIGINT NOT NULL,
    changed      BIGINT NOT NULL,
    asked_by     TEXT,
    asked_why    TEXT,
    result       TEXT,
    version      BIGINT NOT NULL DEFAULT 1
);
CREATE INDEX restriction_item ON restriction (item, id);
CREATE INDEX restriction_open ON restriction (state, id) WHERE state IN (0, 2);
CREATE INDEX restriction_place ON restriction (connection, key) WHERE state = 0;
UPDATE item SET revision = NULL WHERE outcome = 'not-yet'; -- actions that this version can
CREATE TABLE alert (
    id         INTEGER PRIMARY KEY AUTOINCREMENT, -- never used twice
    item       BIGINT NOT NULL, -- 0 = of the daemon itself
    rule       TEXT NOT NULL,
    level      BIGINT NOT NULL,
    message    TEXT,
    seen       TEXT NOT NULL, -- version of the file when the rule last matched; '' = it does not
    exposure   BIGINT NOT NULL,
    opened     BIGINT NOT NULL,
    updated    BIGINT NOT NULL,
    closed     BIGINT,
    closed_by  TEXT,
    reason     TEXT,
    version    BIGINT NOT NULL
);
CREATE UNIQUE INDEX alert_one ON alert (item, rule) WHERE closed IS NULL;
CREATE INDEX alert_item ON alert (item, rule, id);
CREATE INDEX alert_open ON alert (level, id) WHERE closed IS NULL;
CREATE TABLE notified (
    item BIGINT NOT NULL,
    rule TEXT NOT NULL,
    seen TEXT NOT NULL, -- version of the file that was told of
    PRIMARY KEY (item, rule)
) WITHOUT ROWID;
CREATE TABLE outbox (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    message  TEXT NOT NULL, -- the webhook-id, the same for each try
    target   TEXT NOT NULL,
    item     BIGINT NOT NULL,
    body     TEXT NOT NULL,
    made     BIGINT NOT NULL,
    due      BIGINT NOT NULL,
    attempt  BIGINT NOT NULL,
    error    TEXT,
    given_up BIGINT
);
CREATE INDEX outbox_due ON outbox (target, due, id) WHERE given_up IS NULL;
CREATE INDEX outbox_given_up ON outbox (given_up) WHERE given_up IS NOT NULL;
-- A person's short work.
CREATE TABLE task (
    id      INTEGER PRIMARY KEY AUTOINCREMENT, -- never used twice
    kind    TEXT NOT NULL,
    state   BIGINT NOT NULL,
    owner   BIGINT NOT NULL,
    input   TEXT NOT NULL,
    done    BIGINT NOT NULL DEFAULT 0, -- of `total` parts; total 0 = not known
    total   BIGINT NOT NULL DEFAULT 0,
    result  TEXT,
    error   TEXT,
    made    BIGINT NOT NULL,
    expires BIGINT NOT NULL
);
