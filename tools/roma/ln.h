/* exp and log in double from + - * / alone, good to about 1e-15: the same on every machine, and no libm in the program.
 */
#ifndef TOOLS_LN_H
#define TOOLS_LN_H

double e_to(double x); /* 0 below -700, infinity above 700; NaN stays NaN */
double ln(double x);   /* x > 0 and normal */

#endif
