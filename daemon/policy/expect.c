#include "policy/expect.h"
