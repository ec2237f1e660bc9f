/* Damerau's distance in its simple form (no letter is edited twice), letter case ignored. */
#include "core/config.h"

#include <ctype.h>
#include <string.h>

enum { LONGEST = 64 };

static int least(int a, int b, int c) { return LAC_MIN(a, LAC_MIN(b, c)); }

static bool same(char a, char b) { return tolower((unsigned char)a) == tolower((unsigned char)b); }

/* Three rows of the usual table: two before, one before, this one. */
static int distance(const char *a, const char *b)
{
    const int n = (int)strlen(a), m = (int)strlen(b);
    int row[3][LONGEST + 1];
    for (int j = 0; j <= m; j++)
        row[0][j] = j;
    for (int i = 1; i <= n; i++) {
        const int *before = row[(i - 1) % 3], *earlier = row[(i + 1) % 3];
        int *now = row[i % 3];
        now[0] = i;
        for (int j = 1; j <= m; j++) {
            now[j] = least(before[j] + 1, now[j - 1] + 1, before[j - 1] + !same(a[i - 1], b[j - 1]));
            if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]))
                now[j] = LAC_MIN(now[j], earlier[j - 2] + 1);
        }
    }
    return row[n % 3][m];
}

int lac_nearest(const char *word, const char *const *words, int n)
{
    if (strlen(word) > LONGEST)
        return -1;
    int best = -1, least_edits = ((int)strlen(word) + 2) / 3 + 1;       /* a third of the letters may be wrong */
    for (int i = 0; i < n; i++) {
        const int edits = strlen(words[i]) > LONGEST ? LONGEST : distance(word, words[i]);
        if (edits < least_edits && edits < (int)strlen(words[i])) {
            least_edits = edits;
            best = i;
        }
    }
    return best;
}
