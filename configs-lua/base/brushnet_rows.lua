-- Rows of the tables that BrushNet and BrushEdit print, in this program's units: they give ImageReward times 10, HPS v2 times 100, MSE and LPIPS
-- times 1000. from(SOURCE) is a function for rows that stand there, unless one says otherwise; nil where a table has no such column.
return {
  from = function(usual)
    return function(name, ir, hps, aesthetic, psnr, mse, lpips, clip, source)
      return { name = name, source = source or usual,
               values = { ["image-reward"] = ir and ir / 10, ["hps-v2.1"] = hps and hps / 100, ["aesthetic-v1"] = aesthetic, ["brushnet-psnr"] = psnr,
                          ["brushnet-mse"] = mse and mse / 1000, ["brushnet-lpips"] = lpips and lpips / 1000, ["clip-score"] = clip } }
    end
  end,
}
