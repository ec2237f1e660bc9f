/* What HDF5's S3 driver asks curl and OpenSSL for, in a program that carries HDF5 inside and never opens such a file: every call fails. */
#define FAILS(name) \
    int name(void); \
    int name(void) { return -1; }
#define NOTHING(name) \
    void *name(void); \
    void *name(void) { return 0; }

FAILS(curl_global_init)
FAILS(curl_easy_perform)
FAILS(curl_easy_setopt)
NOTHING(curl_easy_init)
NOTHING(curl_easy_cleanup)
NOTHING(curl_global_cleanup)
NOTHING(curl_slist_append)
NOTHING(curl_slist_free_all)
NOTHING(EVP_sha256)
NOTHING(HMAC)
