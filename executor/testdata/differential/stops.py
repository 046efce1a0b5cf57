# %% raises-exception
1/0
# %%
print("still runs")
# %%
undefined_name
# %%
print("never runs")
