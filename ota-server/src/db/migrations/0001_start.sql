-- Portable SQL: what SQLite and PostgreSQL both take. Times are milliseconds since 1970.

CREATE TABLE devices (
    device       TEXT PRIMARY KEY,
    public_key   TEXT NOT NULL,
    enrolled     BIGINT NOT NULL,
    counter      BIGINT NOT NULL,
    reported     BIGINT NOT NULL,
    device_group TEXT NOT NULL,
    agent        TEXT NOT NULL,
    arch         TEXT NOT NULL,
    tags         TEXT NOT NULL,
    models       TEXT NOT NULL
);
CREATE INDEX devices_by_group ON devices (device_group);

CREATE TABLE tokens (
    hash         TEXT PRIMARY KEY,
    note         TEXT NOT NULL,
    created      BIGINT NOT NULL,
    expires      BIGINT NOT NULL,
    bound_device TEXT NOT NULL,
    used         BIGINT NOT NULL,
    used_by      TEXT NOT NULL
);

CREATE TABLE events (
    device         TEXT NOT NULL,
    attempt        TEXT NOT NULL,
    seq            BIGINT NOT NULL,
    model          TEXT NOT NULL,
    release_number BIGINT NOT NULL,
    rollout        TEXT NOT NULL,
    phase          TEXT NOT NULL,
    reason         TEXT NOT NULL,
    detail         TEXT NOT NULL,
    device_time    TEXT NOT NULL,
    received       BIGINT NOT NULL,
    PRIMARY KEY (device, attempt, seq)
);

CREATE INDEX events_by_time ON events (received);

-- Where each device stands in each rollout: what `show` and the thresholds read.
CREATE TABLE progress (
    rollout        TEXT NOT NULL,
    device         TEXT NOT NULL,
    attempt        TEXT NOT NULL,
    seq            BIGINT NOT NULL,
    counter        BIGINT NOT NULL,
    phase          TEXT NOT NULL,
    reason         TEXT NOT NULL,
    begun          BIGINT NOT NULL,
    updated        BIGINT NOT NULL,
    outcome        TEXT NOT NULL,
    outcome_reason TEXT NOT NULL,
    decided        BIGINT NOT NULL,
    PRIMARY KEY (rollout, device)
);

CREATE TABLE rollouts (
    id                 TEXT PRIMARY KEY,
    model              TEXT NOT NULL,
    device_group       TEXT NOT NULL,
    live               BIGINT NOT NULL,
    document           TEXT NOT NULL,
    revision           BIGINT NOT NULL,
    published_revision BIGINT NOT NULL,
    thresholds         TEXT NOT NULL,
    judged_from        BIGINT NOT NULL,
    pause_reason       TEXT NOT NULL,
    created            BIGINT NOT NULL,
    updated            BIGINT NOT NULL
);

CREATE TABLE audit (
    seq     BIGINT PRIMARY KEY,
    time    TEXT NOT NULL,
    actor   TEXT NOT NULL,
    action  TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail  TEXT NOT NULL,
    prev    TEXT NOT NULL,
    hash    TEXT NOT NULL
);
