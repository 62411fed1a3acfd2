/* Objects of JavaScript that hold what is open. */
#include "node_addon.h"

/* Marks these objects. */
static const napi_type_tag OWNER_TAG = {0x6e72657571207363, 0xa3c1f57be04d9268};

/* The object of JavaScript is gone. */
static void finalize(napi_env env, void *data, void *hint)
{
    struct quern_node_owner *owner = data;
    (void)hint;
    owner->is_collected = true;
    quern_node_tidy(env, owner);
}

napi_value quern_node_own(napi_env env, struct quern_node_owner *owner)
{
    napi_value object = NULL;
    int64_t all;
    if (napi_create_object(env, &object) != napi_ok || napi_type_tag_object(env, object, &OWNER_TAG) != napi_ok ||
        napi_wrap(env, object, owner, finalize, NULL, NULL) != napi_ok)
        return quern_node_throw(env, "Node.js cannot make an object");
    napi_adjust_external_memory(env, owner->bytes, &all);
    return object;
}

static struct quern_node_owner *owner_in(napi_env env, napi_value object)
{
    bool is_owner = false;
    void *owner = NULL;
    if (napi_check_object_type_tag(env, object, &OWNER_TAG, &is_owner) == napi_ok && is_owner &&
        napi_unwrap(env, object, &owner) == napi_ok)
        return owner;
    quern_node_throw(env, "this is not an open model or index");
    return NULL;
}

struct quern_node_owner *quern_node_owner_of(napi_env env, napi_value object, enum quern_node_kind kind)
{
    struct quern_node_owner *owner = owner_in(env, object);
    if (owner != NULL && owner->kind != kind) {
        quern_node_throw(env, "this is an object of another kind");
        return NULL;
    }
    return owner;
}

/* close(handle): what is computed at the moment is finished first. */
napi_value quern_node_close(napi_env env, napi_callback_info info)
{
    napi_value object;
    if (!quern_node_arguments(env, info, 1, &object))
        return NULL;
    struct quern_node_owner *owner = owner_in(env, object);
    if (owner == NULL)
        return NULL;
    owner->is_closed = true;
    quern_node_tidy(env, owner);
    return NULL;
}
