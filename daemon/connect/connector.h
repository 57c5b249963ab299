/*
 * connector: the connector table. One kind of storage service is one file and one const row;
 * nothing else in the daemon knows which services exist.
 * A connector never reads the vault, never decides, never touches the store: what must be durable
 * is handed out (struct connect_intent) and handed back after a kill.
 * Every function may be called from any worker thread, several at once on one connection.
 */
#ifndef LABELD_CONNECT_CONNECTOR_H
#define LABELD_CONNECT_CONNECTOR_H
#include "connect/connect.h"

struct connector {
    const char *kind; /* as in the configuration */

    /* MUST. Open; probe what it can do. NULL with err. */
    struct connection *(*open)(const struct connect_settings *settings, struct err *err);
    void (*close)(struct connection *connection);

    /* MUST. Bits of enum connect_caps, and sentences for people about what is missing and why.
     * They may change until a change CONNECT_OVERFLOW is told. */
    unsigned (*caps)(struct connection *connection, struct arena *arena, const char **notes);

    /* MUST. ERR_GONE: no such item. */
    bool (*stat)(struct connection *connection, const char *key, struct arena *arena,
                 struct connect_stat *stat, struct err *err);
    bool (*exposure)(struct connection *connection, const char *key, struct arena *arena,
                     struct connect_exposure *exposure, struct err *err);

    /* MUST. The bytes of the present version, hashed on the way. ERR_LIMIT over fetch_bytes. */
    bool (*fetch)(struct connection *connection, const char *key, struct arena *arena,
                  struct connect_copy *copy, struct err *err);

    /* MUST. Every item from `cursor` on ("" = from the start). */
    bool (*walk)(struct connection *connection, const char *cursor,
                 const struct connect_found *found, struct err *err);

    /* MAY. Tell changes until `stop` becomes readable; runs on a thread of its own. */
    bool (*watch)(struct connection *connection, const struct connect_changes *changes, int stop,
                  struct err *err);

    /* MAY (CONNECT_REPLACE). Begin to replace the copy that was examined. `*output` is where the
     * new bytes go (borrowed). */
    struct connect_replacing *(*replace_open)(struct connection *connection,
                                              const struct connect_copy *examined, int *output,
                                              struct err *err);
    /* All bytes are written: make it ready; the intent must be durable before replace_place. */
    bool (*replace_ready)(struct connect_replacing *replacing, struct arena *arena,
                          struct connect_intent *intent, struct err *err);
    /* ERR_CONFLICT: changed meanwhile, nothing done. ERR_BUSY: later. */
    bool (*replace_place)(struct connect_replacing *replacing, struct err *err);
    /* What remains afterwards (removing the displaced file), called two seconds after
     * replace_place at the earliest, so that writers that were under way have shown themselves.
     * ERR_CONFLICT: an edit that was under way has been put back: examine again. */
    bool (*replace_settle)(struct connect_replacing *replacing, struct err *err);
    void (*replace_close)(struct connect_replacing *replacing);

    /* MUST with replace. After a kill: finish or undo. *placed: the new version is in place. */
    bool (*replace_recover)(struct connection *connection, const char *key, const char *intent,
                            bool *placed, struct err *err);

    /* MAY. Everything that belongs to the item beside its bytes (owner, mode, ACL, times,
     * attributes) as JSON of at most limits->capture_bytes, opaque outside the connector; what
     * could not be read or did not fit is named in it under "left_out". Who reaches it is told as
     * `grants` has it (of connect_exposure), for sharing may have been taken away before; an item
     * that has another owner by now keeps its own. ERR_CONFLICT: the item is not at `version`. */
    bool (*capture)(struct connection *connection, const char *key, const char *version,
                    const char *grants, struct arena *arena, const char **json, struct err *err);

    /* MAY (CONNECT_RESTRICT). What of a wish can go from the item itself; looks only.
     * ERR_CONFLICT: neither the version nor the grants of the wish stand there. */
    bool (*restrict_plan)(struct connection *connection, const char *key,
                          const struct connect_wish *wish, struct arena *arena,
                          struct connect_restriction *restriction, struct err *err);
    /* Take it away: the text must be durable before. Harmless when it is done already.
     * ERR_CONFLICT: the version or the grants were changed meanwhile, nothing was done. */
    bool (*restrict_take)(struct connection *connection, const char *key, const char *version,
                          const char *text, struct err *err);
    /* After a kill: whether it was taken away, all or what is left of it. ERR_GONE: no such item.
     */
    bool (*restrict_done)(struct connection *connection, const char *key, const char *version,
                          const char *text, bool *done, struct err *err);
    /* Give back what was taken, as far as it is still as it was left; each part is told. Harmless
     * when it is given back already. With `look` nothing is changed. ERR_CONFLICT: the item is not
     * at `version`. */
    bool (*unrestrict)(struct connection *connection, const char *key, const char *version,
                       const char *text, bool look, struct arena *arena,
                       struct connect_restored *restored, struct err *err);

    /* MAY (CONNECT_REMOVE). Begin to take away the version in `stat`. `*input` reads its bytes
     * (borrowed), whatever their size: what is read from it is what will be removed. */
    struct connect_removing *(*remove_open)(struct connection *connection,
                                            const struct connect_stat *stat, int *input,
                                            struct err *err);
    /* The intent must be durable before remove_take. */
    bool (*remove_ready)(struct connect_removing *removing, struct arena *arena,
                         struct connect_intent *intent, struct err *err);
    /* ERR_CONFLICT: changed meanwhile, nothing done. */
    bool (*remove_take)(struct connect_removing *removing, struct err *err);
    void (*remove_close)(struct connect_removing *removing);
    /* What remains, two seconds after remove_take at the earliest, or after a kill. `sha256` is of
     * the bytes that were read. False: not possible now, try again. */
    bool (*remove_settle)(struct connection *connection, const char *key, const char *intent,
                          const uint8_t sha256[32], enum connect_removed *end, struct err *err);

    /* MAY (CONNECT_CREATE). Begin a new file; `*output` takes its bytes (borrowed). ERR_TAKEN: the
     * name is taken. ERR_GONE: its folder is. */
    struct connect_creating *(*create_open)(struct connection *connection, const char *key,
                                            int *output, struct err *err);
    /* All bytes are written. `captured` is what capture told of the file that this one gives back
     * (NULL: a plain one that everybody who reaches the folder may read); what of it could be
     * restored stands in `restored`. The intent must be durable before create_place. */
    bool (*create_ready)(struct connect_creating *creating, const char *captured,
                         struct arena *arena, struct connect_intent *intent,
                         struct connect_restored *restored, struct err *err);
    /* Never over another file: ERR_TAKEN. */
    bool (*create_place)(struct connect_creating *creating, struct err *err);
    void (*create_close)(struct connect_creating *creating);
    /* After a kill: whether the file of an intent stands there. */
    bool (*create_placed)(struct connection *connection, const char *key, const char *intent,
                          bool *placed, struct err *err);
    /* Remove a file that labeld made, if it is that version still. ERR_CONFLICT: it is not.
     * ERR_GONE: none is there. */
    bool (*discard)(struct connection *connection, const char *key, const char *version,
                    struct err *err);
};

#endif
