// Stand-in for roma_lzc: a loop over the bits.
module roma_lzc #(
    parameter LOG = 5
) (
    input [(1<<LOG)-1:0] x,
    output reg [LOG-1:0] n,
    output none
);
    integer i;
    assign none = ~|x;
    always @* begin
        n = {LOG{1'b1}};
        for (i = 0; i < (1 << LOG); i = i + 1) if (x[i]) n = (1 << LOG) - 1 - i;
    end
endmodule
