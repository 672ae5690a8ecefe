// Stand-in for roma_compress: one number is the sum of all rows, as many cycles late as CUTS has ones, the other is 0.
module roma_compress #(
    parameter ROWS = 4,
    parameter W = 8,
    parameter CUTS = 0
) (
    input clk,
    input [ROWS*W-1:0] rows,
    output [W-1:0] sum,
    output [W-1:0] carry
);
    function integer ones(input integer x);
        integer k;
        begin
            ones = 0;
            for (k = 0; k < 32; k = k + 1) ones = ones + (x >> k & 1);
        end
    endfunction
    reg [W-1:0] all;
    integer i;
    always @* begin
        all = {W{1'b0}};
        for (i = 0; i < ROWS; i = i + 1) all = all + rows[W*i +: W];
    end
    roma_delay #(.W(W), .N(ones(CUTS))) late (.clk(clk), .d(all), .q(sum));
    assign carry = {W{1'b0}};
endmodule
